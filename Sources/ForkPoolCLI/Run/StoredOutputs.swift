// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPoolLaunch
import Glibc

/// A file without a name for the outputs of ended jobs that wait for an earlier job and do not fit in memory.
final class StoredOutputs {
    private let file: CaptureFile
    private let folder: String
    private var end = 0
    /// How many bytes are still to be printed.
    private var rest = 0

    /// Makes an empty file.
    ///
    /// - Parameters:
    ///   - folder: The folder on whose disk it is.
    ///   - job: The number of the job that needs it, for messages.
    /// - Throws: `OutputError`.
    init(in folder: String, for job: Int) throws(OutputError) {
        file = try CaptureFile.unnamed(in: folder, for: job)
        self.folder = folder
    }

    var descriptor: Int32 { file.descriptor }

    /// Adds bytes of a job; returns where they are.
    ///
    /// - Throws: `OutputError`.
    func add(_ bytes: [UInt8], for job: Int) throws(OutputError) -> Range<Int> {
        let start = end
        var done = 0
        while done < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { all in
                unsafe pwrite(descriptor, all.baseAddress! + done, all.count - done, off_t(end))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw OutputError(what: OutputError.waiting(job, in: folder), code: errno) }
            done += count
            end += count
        }
        rest += done
        return start..<end
    }

    /// Adds an output of a job; returns it as one that is in this file.
    ///
    /// - Throws: `OutputError`.
    func add(_ output: JobOutput, for job: Int) throws -> JobOutput {
        guard output.length > 0 else { return .nothing }
        let start = end
        try output.forEachPiece { _ = try add($0, for: job) }
        return .stored(self, start..<end)
    }

    /// Gives the space of bytes back that were printed.
    func remove(_ range: Range<Int>) {
        rest -= range.count
        if rest == 0 {
            ftruncate(descriptor, 0)
            end = 0
        } else if range.count > 1 << 16 {
            file.discard(range)
        }
    }
}

/// A job that ended and waits for an earlier one, with everything about it in a file.
struct StoredJob {
    /// The number of the job.
    let number: Int
    let file: StoredOutputs
    let output: JobOutput
    let errors: JobOutput
    /// The item, the sentence about a failure and the line of the log: all in one range, and their lengths.
    private let texts: Range<Int>
    private let itemLength: Int
    private let failureLength: Int?
    private let lineLength: Int?

    /// Stores a job.
    ///
    /// - Parameters:
    ///   - finished: The job.
    ///   - failure: The sentence about its failure.
    ///   - line: Its line in the log.
    ///   - file: The file.
    /// - Throws: `OutputError`.
    init(_ finished: FinishedJob, failure: String?, line: String?, in file: StoredOutputs) throws {
        let job = finished.job.number
        (number, self.file) = (job, file)
        output = try file.add(finished.output, for: job)
        errors = try file.add(finished.errors, for: job)
        let (failure, line) = (failure.map { Array($0.utf8) }, line.map { Array($0.utf8) })
        texts = try file.add(finished.job.item + (failure ?? []) + (line ?? []), for: job)
        (itemLength, failureLength, lineLength) = (finished.job.item.count, failure?.count, line?.count)
    }

    /// Reads the item, the failure and the line of the log.
    ///
    /// - Throws: `OutputError`.
    func readTexts() throws(OutputError) -> (item: [UInt8], failure: String?, line: String?) {
        var rest = try readAll(file.descriptor, texts)[...]
        func take(_ length: Int) -> ArraySlice<UInt8> {
            defer { rest = rest.dropFirst(length) }
            return rest.prefix(length)
        }
        let item = Array(take(itemLength))
        let failure = failureLength.map { String(decoding: take($0), as: UTF8.self) }
        return (item, failure, lineLength.map { String(decoding: take($0), as: UTF8.self) })
    }

    /// Gives its space back.
    func remove() {
        for case .stored(_, let range) in [output, errors] { file.remove(range) }
        file.remove(texts)
    }
}
#endif
