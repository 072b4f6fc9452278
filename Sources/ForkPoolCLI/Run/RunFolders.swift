// SPDX-License-Identifier: Apache-2.0
#if Command
import ArgumentParser
import ForkPoolLaunch
import Glibc

/// The folder of `--wd`, and the way back.
struct WorkingFolder {
    private let descriptor: Int32
    private let before: Int32

    /// Opens the folder.
    ///
    /// - Throws: `ExitCode`, after a report.
    init(_ path: String) throws {
        before = unsafe open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.refused(path) }
    }

    /// Makes it the working folder.
    func enter() throws {
        guard fchdir(descriptor) == 0 else { throw Self.refused("--wd") }
    }

    /// Goes back.
    func leave() {
        fchdir(before)
    }

    private static func refused(_ path: String) -> ExitCode {
        StandardError.report("\(path): jobs cannot run there: \(systemMessage(errno))")
        return ExitCode(Exit.noInput)
    }
}

/// The folders that `run` writes to.
enum ResultsFolder {
    /// Makes the folder of `--results`, if it is not there.
    ///
    /// - Parameter path: The folder.
    /// - Returns: Its absolute path.
    /// - Throws: `OutputError`.
    static func make(_ path: String) throws -> String {
        if unsafe mkdir(path, 0o777) != 0, errno != EEXIST { throw OutputError(what: path, code: errno) }
        return try existing(path)
    }

    /// Returns the absolute path of a folder that must exist.
    ///
    /// - Throws: `OutputError`.
    static func existing(_ path: String) throws -> String {
        guard let whole = unsafe realpath(path, nil) else { throw OutputError(what: path, code: errno) }
        defer { unsafe free(whole) }
        var status = stat()
        guard unsafe stat(whole, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw OutputError(what: path, code: ENOTDIR)
        }
        return unsafe String(cString: whole)
    }
}

extension RunSettings {
    /// What a log tells of a job's input.
    func jobInput(of job: RunJob) -> JobInput {
        let source = job.records.map(JobInput.digest(of:)) ?? input?.words(job.values, number: job.number, slot: 1)[0]
        return JobInput(source: source, folder: workingFolder.map { Array($0.utf8) })
    }

    /// The folder for outputs that do not fit in memory: the one of `--tmpdir`, or one on a disk.
    var temporaryFolder: String {
        if let givenTemporaryFolder { return givenTemporaryFolder }
        if let folder = unsafe getenv("TMPDIR").map({ unsafe String(cString: $0) }), !folder.isEmpty { return folder }
        return CaptureFile.isInMemory("/tmp") ? "/var/tmp" : "/tmp"
    }

    /// This process's environment, without what an outer run told it about its own job.
    static var ownEnvironment: [[UInt8]] {
        var variables: [[UInt8]] = []
        var next = unsafe environ
        while let variable = unsafe next.pointee {
            let text = unsafe bytes(of: variable)
            if !["FORKPOOL_ITEM=", "FORKPOOL_NUMBER=", "FORKPOOL_PLACE="].contains(where: { text.starts(with: $0.utf8) }
            ) {
                variables.append(text)
            }
            unsafe next += 1
        }
        return variables
    }
}
#endif
