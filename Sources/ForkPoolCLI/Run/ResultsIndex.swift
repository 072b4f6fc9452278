// SPDX-License-Identifier: Apache-2.0
#if Command
import ArgumentParser
import ForkPool
import Glibc

/// What a folder of `--results` has from runs: a hidden file lists the numbers of their jobs.
///
/// Its first line is the identity of the results, a random number, which the lines of the log have too: by this `--resume`
/// knows its own results. Only files of these jobs are ever removed or replaced. Each shard has an index of its own, so
/// that shards on several hosts can share a folder.
struct ResultsIndex {
    private static let name = ".forkpool-jobs"
    /// The beginning of the line with the identity.
    private static let heading = "results "
    private let folder: String
    private let path: String
    /// The identity of the results: a run that resumes another keeps that of the other.
    let id: String
    /// The jobs of the run that this one resumes, without those that a run with another index noted too.
    private var kept: Set<Int> = []
    /// What the earlier run left that this one removes.
    private var old: [String] = []
    /// How many bytes of the index stay; 0 in a run that begins anew.
    private let length: Int

    /// Reads the index of a run; nothing is changed before `begin`.
    ///
    /// - Parameters:
    ///   - folder: The folder; its absolute path.
    ///   - part: The shard.
    ///   - log: The log to resume, whose results stay; without lines, the run begins anew.
    /// - Throws: `OutputError`; `ExitCode` after a report of results that no run wrote, or another one than the log's.
    init(folder: String, _ part: ItemPart?, _ log: ResumeLog?) throws {
        let path =
            "\(folder)/\(Self.name)" + (part.map { "-\($0.shard.index)-of-\($0.shard.count)" } ?? "")
        (self.folder, self.path) = (folder, path)
        // The files first: a shard notes a job before it makes its files.
        let names = try Self.names(in: folder)
        let indexes = try Self.names(in: folder).filter { $0.hasPrefix(Self.name) }.map { "\(folder)/\($0)" }
        var others: Set<Int> = []
        for index in indexes where index != path { others.formUnion(try Self.read(index).jobs) }
        let own = try Self.read(path)
        let known = own.jobs.union(others)
        let results = names.compactMap { name in Self.job(ofResult: name).map { (name: name, job: $0) } }
        let foreign = results.filter { result in
            !known.contains(result.job) && Self.mayWrite(result.job, part, hasOthers: indexes.contains { $0 != path })
        }
        if let first = foreign.min(by: { ($0.job, $0.name) < ($1.job, $1.name) }) {
            StandardError.report(
                "\(folder) has \(first.name), which no run of forkpool wrote there: move it, or give another folder")
            throw ExitCode(Exit.usage)
        }
        if let ownID = own.id, log?.results.contains(ownID) == true {
            // A kill may have cut the last line.
            (id, kept, length) = (ownID, own.jobs.subtracting(others), own.length)
        } else {
            (id, length) = (hexadecimal(.random(in: .min ... .max)), 0)
            let jobs = part == nil ? known : own.jobs
            old = results.filter { jobs.contains($0.job) }.map { "\(folder)/\($0.name)" }
            if part == nil {
                old += names.filter(ShardRecord.Place.isOne).map { "\(folder)/\($0)" } + indexes.filter { $0 != path }
            }
            guard let log, log.length > 0, !old.isEmpty else { return }
            StandardError.report(
                "\(folder) has the results of another run than that of the log \(log.path): give the folder of that run, or "
                    + "a new one, where all jobs run again")
            throw ExitCode(Exit.usage)
        }
    }

    /// Whether the folder has the results of a job that the log to resume knows.
    func has(_ job: Int, of done: ResumeLog.Done) -> Bool {
        done.input.results == id && kept.contains(job)
            && ["out", "err"].allSatisfy { unsafe access("\(folder)/\(job).\($0)", F_OK) == 0 }
    }

    /// Removes what an earlier run left.
    ///
    /// - Throws: `OutputError`.
    func begin() throws(OutputError) {
        for path in old { unsafe unlink(path) }
        let code = write(length == 0 ? "\(Self.heading)\(id)\n" : "", keeping: length)
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

    /// Reads an index, if there is one: its identity, its jobs, and how many bytes its whole lines have.
    private static func read(_ path: String) throws(OutputError) -> (id: String?, jobs: Set<Int>, length: Int) {
        let bytes: [UInt8]
        do { bytes = try TextFile.read(path) } catch {
            if error.code == ENOENT { return (nil, [], 0) }
            throw OutputError(what: path, code: error.code)
        }
        let length = bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        let lines = bytes[..<length].split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
        let id = lines.first.flatMap { $0.hasPrefix(heading) ? String($0.dropFirst(heading.count)) : nil }
        return (id, Set(lines.compactMap { Int($0) }), length)
    }
}
#endif
