// SPDX-License-Identifier: Apache-2.0
#if Command
import Glibc

/// The results of all shards of a run, in their folders.
struct ShardResults {
    private let records: [ShardRecord]
    /// The folder of each shard.
    private let folders: [String]
    private let items: Int
    private let split: ItemPart.Split

    /// Finds the records of all shards, and checks that each job succeeded and left its outputs.
    ///
    /// - Throws: `MergeRefusal`.
    init(_ folders: [String]) throws(MergeRefusal) {
        var found: [(record: ShardRecord, folder: String)] = []
        for folder in folders { found += try Self.records(in: folder).map { ($0, folder) } }
        guard let first = found.first?.record else {
            throw MergeRefusal(
                Exit.partial,
                "\(Self.listed(folders)): no shard has ended here; forkpool run --shard I/N --results FOLDER fills it")
        }
        for other in found.map(\.record) {
            guard other.shards == first.shards, other.items == first.items, other.split == first.split else {
                throw MergeRefusal(
                    Exit.usage,
                    "these are results of different runs: \(Self.words(first)), and \(Self.words(other)); give each run a "
                        + "folder of its own")
            }
            guard other.command == first.command, other.digest == first.digest else {
                let difference =
                    other.command == first.command
                    ? "shards \(first.shard) and \(other.shard) had other items"
                    : "shard \(first.shard) ran \(first.command), and shard \(other.shard) \(other.command)"
                throw MergeRefusal(
                    Exit.usage, "these are results of different runs: \(difference); give each run a folder of its own")
            }
        }
        found.sort { $0.record.shard < $1.record.shard }
        for (one, twin) in zip(found, found.dropFirst()) where one.record.shard == twin.record.shard {
            throw MergeRefusal(
                Exit.usage,
                "shard \(one.record.shard) of \(first.shards) is both in \(one.folder) and in \(twin.folder); give one of them"
            )
        }
        let missingCount = first.shards - found.count
        guard missingCount == 0 else {
            let there = Set(found.map(\.record.shard))
            let missing = (0..<first.shards).lazy.filter { !there.contains($0) }.prefix(Self.mostListed)
            throw MergeRefusal(
                Exit.partial,
                "missing: \(missingCount == 1 ? "shard" : "shards") \(Self.listed(Array(missing), of: missingCount)) of "
                    + "\(first.shards); run \(missingCount == 1 ? "it" : "them") to the end, or give the folder")
        }
        (items, split) = (first.items, first.split)
        records = found.map(\.record)
        self.folders = found.map(\.folder)
        try check()
    }

    /// Checks the jobs.
    private func check() throws(MergeRefusal) {
        var sentences: [String] = []
        let failed = records.flatMap(\.failed).sorted()
        if !failed.isEmpty {
            sentences.append("failed: \(Self.jobs(failed)); --resume with the log of the shard runs them again")
        }
        let isFailed = Set(failed)
        let lost = (1...max(items, 1)).prefix(items).filter { number in
            !isFailed.contains(number) && !["out", "err"].allSatisfy { unsafe access(path(number, $0), R_OK) == 0 }
        }
        if !lost.isEmpty { sentences.append("missing: the outputs of \(Self.jobs(lost)); run the shard again") }
        guard sentences.isEmpty else { throw MergeRefusal(incomplete: sentences) }
    }

    /// The file of an output of a job.
    private func path(_ number: Int, _ name: String) -> String {
        let shard = ItemPart.shard(of: number - 1, split, items: items, shards: records.count)
        return "\(folders[shard])/\(number).\(name)"
    }

    /// Prints the outputs of all jobs in input order.
    ///
    /// - Throws: `OutputError`; `MergeRefusal` for a file that cannot be read any more.
    func print() throws {
        let output = OutputWriter(STDOUT_FILENO, name: OutputError.standardOutput) {}
        let errors = OutputWriter(STDERR_FILENO, name: "standard error") {}
        for number in (1...max(items, 1)).prefix(items) {
            try Self.copy(path(number, "out"), to: output)
            if try Self.size(path(number, "err")) > 0 {
                // If both go to one file or terminal, the lines of a job stay together.
                try output.flush()
                try Self.copy(path(number, "err"), to: errors)
                try errors.flush()
            }
        }
        try output.flush()
        try output.end()
        try errors.end()
    }

    // MARK: - Files

    private static func records(in folder: String) throws(MergeRefusal) -> [ShardRecord] {
        guard let stream = unsafe opendir(folder) else { throw unreadable(folder, errno) }
        defer { unsafe closedir(stream) }
        var records: [ShardRecord] = []
        while let entry = unsafe readdir(stream) {
            let bytes = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { unsafe Array($0.prefix { $0 != 0 }) }
            let name = String(decoding: bytes, as: UTF8.self)
            guard ShardRecord.Place.isOne(name) else { continue }
            let path = "\(folder)/\(name)"
            let content: [UInt8]
            do { content = try TextFile.read(path) } catch { throw unreadable(path, error.code) }
            guard let record = ShardRecord(content) else {
                throw MergeRefusal(Exit.noInput, "\(path): is no record of a shard of forkpool run")
            }
            records.append(record)
        }
        return records
    }

    private static func size(_ path: String) throws(MergeRefusal) -> Int {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { throw unreadable(path, errno) }
        return Int(status.st_size)
    }

    private static func copy(_ path: String, to writer: OutputWriter) throws {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
        guard file >= 0 else { throw unreadable(path, errno) }
        defer { close(file) }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe read(file, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw unreadable(path, errno) }
            if count == 0 { return }
            try writer.take(buffer[..<count])
        }
    }

    private static func unreadable(_ path: String, _ code: Int32) -> MergeRefusal {
        MergeRefusal(Exit.noInput, "\(path.isEmpty ? "\"\"" : path): cannot be read: \(systemMessage(code))")
    }

    // MARK: - Words

    private static func words(_ record: ShardRecord) -> String {
        "one of \(counted(record.items, "item")) in \(counted(record.shards, "shard")), \(record.split.rawValue)"
    }

    private static let mostListed = 10

    /// Lists the first of many: `some` has at least these, of `count` or, without it, of all that it has.
    private static func listed(_ some: [some CustomStringConvertible], of count: Int? = nil) -> String {
        let first = some.prefix(mostListed).map(\.description).joined(separator: ", ")
        let others = (count ?? some.count) - mostListed
        return others > 0 ? "\(first) and \(counted(others, "other"))" : first
    }

    private static func jobs(_ numbers: [Int]) -> String { "\(numbers.count == 1 ? "job" : "jobs") \(listed(numbers))" }
}
#endif
