// SPDX-License-Identifier: Apache-2.0
#if Command
import ArgumentParser
import ForkPool
import Glibc

/// What a folder of `--results` has from runs: a hidden file lists the numbers of their jobs.
///
/// Only files of these jobs are ever removed or replaced. Each shard has an index of its own, so that shards on several
/// hosts can share a folder.
struct ResultsIndex {
    private static let name = ".forkpool-jobs"
    private let path: String
    /// What the earlier run left that this one removes.
    private var old: [String] = []
    /// How many bytes of the index stay.
    private let length: Int

    /// Reads the index of a run; nothing is changed before `begin`.
    ///
    /// - Parameters:
    ///   - folder: The folder; its absolute path.
    ///   - part: The shard.
    ///   - keeps: Whether the results of the earlier run stay, because this run resumes it.
    ///   - done: The jobs that the log to resume knows.
    /// - Throws: `OutputError`; `ExitCode` after a report of results that no run wrote.
    init(folder: String, _ part: ItemPart?, keeps: Bool, done: [Int]) throws {
        let path =
            "\(folder)/\(Self.name)" + (part.map { "-\($0.shard.index)-of-\($0.shard.count)" } ?? "")
        self.path = path
        // The files first: a shard notes a job before it makes its files.
        let names = try Self.names(in: folder)
        let indexes = try Self.names(in: folder).filter { $0.hasPrefix(Self.name) }.map { "\(folder)/\($0)" }
        var known = Set(done)
        for index in indexes { known.formUnion(try Self.read(index).jobs) }
        let own = try Self.read(path)
        let results = names.compactMap { name in Self.job(ofResult: name).map { (name: name, job: $0) } }
        let foreign = results.filter { result in
            !known.contains(result.job) && Self.mayWrite(result.job, part, hasOthers: indexes.contains { $0 != path })
        }
        if let first = foreign.min(by: { ($0.job, $0.name) < ($1.job, $1.name) }) {
            StandardError.report(
                "\(folder) has \(first.name), which no run of forkpool wrote there: move it, or give another folder")
            throw ExitCode(Exit.usage)
        }
        if !keeps {
            let jobs = part == nil ? known : own.jobs
            old = results.filter { jobs.contains($0.job) }.map { "\(folder)/\($0.name)" }
            if part == nil {
                old += names.filter(ShardRecord.Place.isOne).map { "\(folder)/\($0)" } + indexes.filter { $0 != path }
            }
        }
        // A kill may have cut the last line.
        length = keeps ? own.length : 0
    }

    /// Removes what an earlier run left.
    ///
    /// - Throws: `OutputError`.
    func begin() throws(OutputError) {
        for path in old { unsafe unlink(path) }
        let code = write("", keeping: length)
        guard code == 0 else { throw OutputError(what: path, code: code) }
    }

    /// Notes a job, before its files are made.
    ///
    /// - Throws: `OutputError`.
    func add(_ job: Int) throws(OutputError) {
        let code = write("\(job)\n", keeping: nil)
        guard code == 0 else { throw OutputError(what: "the output of job \(job) to \(path)", code: code) }
    }

    /// Adds text to the index, after so many bytes of it or at its end; returns 0 or an errno.
    ///
    /// The index is closed each time, so that shards on other hosts see it before they see the results.
    private func write(_ text: String, keeping length: Int?) -> Int32 {
        let file = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666 as mode_t)
        guard file >= 0 else { return errno }
        var code: Int32 = 0
        if let length, ftruncate(file, off_t(length)) != 0 { code = errno }
        if code == 0 { code = writeAll(text, to: file) }
        if close(file) != 0, code == 0 { code = errno }
        return code
    }

    /// The job whose output has a name: NUMBER.out, NUMBER.err.partial; nil for all other names.
    private static func job(ofResult name: String) -> Int? {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2 || parts.count == 3 && parts[2] == "partial", ["out", "err"].contains(parts[1]),
            let number = Int(parts[0]), number > 0, String(number) == parts[0]
        else { return nil }
        return number
    }

    /// Whether this run may write results of a job: which ones a block has is not known yet.
    private static func mayWrite(_ job: Int, _ part: ItemPart?, hasOthers: Bool) -> Bool {
        guard let part else { return true }
        return part.split == .strided ? part.takes(job - 1) : !hasOthers
    }

    private static func names(in folder: String) throws(OutputError) -> [String] {
        guard let entries = unsafe opendir(folder) else {
            // A dry run makes no folder.
            if errno == ENOENT { return [] }
            throw OutputError(what: folder, code: errno)
        }
        defer { unsafe closedir(entries) }
        var names: [String] = []
        while let entry = unsafe readdir(entries) {
            names.append(
                unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                    unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                })
        }
        return names
    }

    /// Reads an index, if there is one: its jobs, and how many bytes its whole lines have.
    private static func read(_ path: String) throws(OutputError) -> (jobs: Set<Int>, length: Int) {
        let bytes: [UInt8]
        do { bytes = try TextFile.read(path) } catch {
            if error.code == ENOENT { return ([], 0) }
            throw OutputError(what: path, code: error.code)
        }
        let length = bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        let lines = bytes[..<length].split(separator: UInt8(ascii: "\n"))
        return (Set(lines.compactMap { Int(String(decoding: $0, as: UTF8.self)) }), length)
    }
}
#endif
