// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPoolLaunch
import ForkPool
import Glibc

/// The place where a job writes one of its two outputs: memory, or a pipe from which this process takes the bytes.
///
/// Only this process writes to a disk. A job's own write could fail there, and few programs say so.
final class Capture {
    /// The bytes that are in memory; without a pipe the job itself writes here.
    private let file: CaptureFile
    /// The pipe that the job writes to, where its output could fill the memory; nil if it writes to the memory.
    let pipe: CapturePipe?
    /// The file of `--results` that gets all bytes.
    private let kept: KeptOutput?
    /// The number of the job, for messages.
    private(set) var job: Int
    /// How many bytes were printed while the job ran.
    private(set) var printed = 0
    /// Up to where the output was searched for whole lines.
    var searched = 0
    /// What did not stay in memory: the bytes up to `movedLength`, at the same offsets; `kept` has them if there is one.
    private var moved: CaptureFile?
    private var movedLength = 0
    /// How many bytes the file of `--results` has so far.
    private var followed = 0

    /// Makes a capture in memory (`memfd_create`).
    ///
    /// - Parameters:
    ///   - job: The number of the job.
    ///   - hasPipe: Whether the job writes to a pipe, so that it cannot fill the memory.
    ///   - kept: The file of `--results`.
    /// - Throws: `SystemError`.
    init(job: Int, hasPipe: Bool, kept: KeptOutput? = nil) throws(SystemError) {
        file = try CaptureFile()
        pipe = hasPipe ? try CapturePipe() : nil
        (self.job, self.kept) = (job, kept)
    }

    /// The descriptor that becomes the job's standard output or error.
    var descriptor: Int32 { pipe?.target ?? file.descriptor }

    /// Whether another job can use the capture after `clear`.
    var isReusable: Bool { pipe == nil && kept == nil }

    /// How many bytes the job has written (`fstat`); of a pipe, how many were taken.
    var length: Int {
        var status = stat()
        return unsafe fstat(file.descriptor, &status) == 0 ? Int(status.st_size) : 0
    }

    /// How many bytes of memory the job's output takes (`fstat`).
    var memory: Int { max(0, length - leavingMemory) }

    /// How many bytes are not in memory any more.
    private var leavingMemory: Int { kept == nil ? max(printed, movedLength) : movedLength }

    /// Takes what is in the pipe (`read`): once, or all that the job has written.
    ///
    /// - Throws: `OutputError`.
    func drain(wholly: Bool = false) throws(OutputError) {
        guard let pipe else { return }
        // What another process adds meanwhile is not awaited.
        var rest = wholly ? pipe.length : 1
        while rest > 0 {
            let bytes = pipe.take()
            guard !bytes.isEmpty else { return }
            let code = writeAll(bytes, to: file.descriptor)
            guard code == 0 else {
                throw OutputError(what: "the output of job \(job) to memory (see ulimit -f)", code: code)
            }
            rest -= bytes.count
        }
    }

    /// Reads what the job wrote (`pread`).
    ///
    /// - Parameters:
    ///   - offset: The first byte.
    ///   - length: The most bytes to read.
    /// - Returns: The bytes.
    /// - Throws: `OutputError`.
    func read(from offset: Int = 0, _ length: Int) throws(OutputError) -> [UInt8] {
        var bytes: [UInt8] = []
        for part in parts(of: offset..<(offset + length)) {
            let more = try readAll(part.descriptor, part.range)
            if bytes.isEmpty { bytes = more } else { bytes += more }
        }
        return bytes
    }

    /// The files that have a range of the output.
    func parts(of range: Range<Int>) -> [(descriptor: Int32, range: Range<Int>)] {
        // A job that shortened its output began anew.
        guard let disk = kept?.descriptor ?? moved?.descriptor, range.lowerBound < movedLength, length >= movedLength
        else { return [(file.descriptor, range)] }
        let first = (disk, range.lowerBound..<min(range.upperBound, movedLength))
        return range.upperBound <= movedLength ? [first] : [first, (file.descriptor, movedLength..<range.upperBound)]
    }

    /// Notes that all bytes up to an offset were printed, and gives their memory or disk space back.
    func markPrinted(upTo offset: Int) {
        if kept == nil {
            file.discard(printed..<offset)
            moved?.discard(printed..<min(max(printed, movedLength), offset))
        }
        printed = offset
    }

    /// Moves the bytes that are in memory to the file of `--results` or to one without a name; the job may write on.
    ///
    /// - Parameter folder: The folder on whose disk the file without a name is.
    /// - Throws: `OutputError`.
    func move(toDiskOf folder: String) throws(OutputError) {
        let end = length
        if end < movedLength { (followed, movedLength) = (max(followed, movedLength), 0) }
        let start = leavingMemory
        guard start < end else { return }
        if kept == nil, moved == nil { moved = try CaptureFile.unnamed(in: folder, for: job) }
        guard let disk = kept?.descriptor ?? moved?.descriptor else { return }
        let name = kept.map { "the output of job \(job) to \($0.name)" } ?? OutputError.waiting(job, in: folder)
        movedLength = try copy(start..<end, to: disk, name)
        file.discard(start..<movedLength)
    }

    /// Copies bytes to the same place of a file; returns where they end, which is earlier if the job shortened its output.
    private func copy(_ range: Range<Int>, to disk: Int32, _ name: String) throws(OutputError) -> Int {
        lseek(disk, off_t(range.lowerBound), SEEK_SET)
        var offset = off_t(range.lowerBound)
        while offset < range.upperBound {
            let count = unsafe sendfile(disk, file.descriptor, &offset, min(range.upperBound - Int(offset), 1 << 24))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw OutputError(what: name, code: errno) }
            if count == 0 { break }
        }
        return Int(offset)
    }

    /// Adds what the job has written to the file of `--results`, for other readers and for the case of a kill.
    ///
    /// The bytes stay in memory: a job may still change them.
    ///
    /// - Throws: `OutputError`.
    func follow() throws(OutputError) {
        guard let kept else { return }
        let (start, end) = (max(followed, movedLength), length)
        followed = start
        guard start < end else { return }
        followed = try copy(start..<end, to: kept.descriptor, "the output of job \(job) to \(kept.name)")
    }

    /// Brings the file of `--results` to its last state.
    ///
    /// - Throws: `OutputError`.
    func save() throws(OutputError) {
        guard let kept else { return }
        try move(toDiskOf: "")
        if followed > length { ftruncate(kept.descriptor, off_t(length)) }
    }

    /// Gives the file of `--results` its final name (`rename`).
    ///
    /// - Parameter limit: The most bytes that stay in the file, `--max-output`.
    /// - Throws: `OutputError`.
    func keep(atMost limit: Int) throws(OutputError) { try kept?.finish(atMost: limit) }

    /// Empties the capture for another job (`ftruncate`); bytes already sent to a pipe keep their values.
    func clear() {
        // The file position and the flags are shared by all processes that have the descriptor: a job may have changed
        // them. The end of an empty file is its beginning.
        if lseek(file.descriptor, 0, SEEK_END) != 0 {
            ftruncate(file.descriptor, 0)
            lseek(file.descriptor, 0, SEEK_SET)
        }
        _ = fcntl(file.descriptor, F_SETFL, O_APPEND)
        (printed, searched, moved, movedLength) = (0, 0, nil, 0)
    }

    /// Gives an empty capture to a job.
    func use(for job: Int) { self.job = job }
}

extension CaptureFile {
    /// Makes a file without a name.
    ///
    /// - Throws: `OutputError`, which names the job, the folder and its option.
    static func unnamed(in folder: String, for job: Int) throws(OutputError) -> CaptureFile {
        do { return try CaptureFile(inFolder: folder) } catch {
            throw OutputError(what: OutputError.waiting(job, in: folder), code: error.code)
        }
    }
}

/// Reads a range of a file (`pread`); returns fewer bytes at the file's end.
///
/// - Throws: `OutputError`.
func readAll(_ descriptor: Int32, _ range: Range<Int>) throws(OutputError) -> [UInt8] {
    var code: Int32 = 0
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: range.count) { bytes, count in
        while count < range.count {
            let rest = unsafe bytes.baseAddress! + count
            let more = unsafe pread(descriptor, rest, range.count - count, off_t(range.lowerBound + count))
            if more < 0, errno == EINTR { continue }
            if more < 0 { code = errno }
            guard more > 0 else { break }
            count += more
        }
    }
    guard code == 0 else { throw OutputError(what: "an output, which cannot be read back", code: code) }
    return bytes
}
#endif
