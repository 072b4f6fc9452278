// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPoolLaunch
import ForkPool
import Glibc

/// The place where a job writes one of its two outputs: memory, a file without a name, or a file of `--results`.
final class Capture {
    private enum Place {
        case memory
        case disk
        case results(String)
    }

    private let place: Place
    private let file: CaptureFile?
    /// The descriptor that becomes the job's standard output or error.
    let descriptor: Int32
    /// How many bytes were printed while the job ran.
    private(set) var printed = 0
    /// Up to where the output was searched for whole lines.
    var searched = 0
    /// What did not stay in memory: the bytes up to `movedLength`, at the same offsets.
    private var moved: CaptureFile?
    private var movedLength = 0

    /// Makes a capture in memory (`memfd_create`).
    ///
    /// - Throws: `SystemError`.
    init() throws(SystemError) {
        let file = try CaptureFile()
        (self.file, descriptor, place) = (file, file.descriptor, .memory)
    }

    /// Makes a capture in a file without a name.
    ///
    /// - Parameter folder: The folder on whose disk the file is.
    /// - Throws: `OutputError`.
    init(onDiskOf folder: String) throws(OutputError) {
        let file = try CaptureFile.unnamed(in: folder, appends: true)
        (self.file, descriptor, place) = (file, file.descriptor, .disk)
    }

    /// Makes a capture in a file, which is called `NAME.partial` until the job has ended.
    ///
    /// - Parameter path: The file's name.
    /// - Throws: `OutputError`.
    init(file path: String) throws(OutputError) {
        file = nil
        // A process that an earlier attempt left running may still write to the old file.
        unsafe unlink(Self.partial(path))
        descriptor = unsafe open(
            Self.partial(path), O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o666 as mode_t)
        guard descriptor >= 0 else { throw OutputError(what: Self.partial(path), code: errno) }
        place = .results(path)
    }

    deinit {
        if file == nil { close(descriptor) }
    }

    /// Whether another job can use the capture after `clear`.
    var isReusable: Bool { file != nil }

    /// How many bytes the job has written (`fstat`).
    var length: Int {
        var status = stat()
        return unsafe fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
    }

    /// How many bytes of memory the job's output takes (`fstat`).
    var memory: Int {
        guard case .memory = place else { return 0 }
        return max(0, length - max(printed, movedLength))
    }

    /// Reads what the job wrote (`pread`).
    ///
    /// - Parameters:
    ///   - offset: The first byte.
    ///   - length: The most bytes to read.
    /// - Returns: The bytes.
    func read(from offset: Int = 0, _ length: Int) -> [UInt8] {
        parts(of: offset..<(offset + length)).reduce(into: []) { bytes, part in
            let more = readAll(part.descriptor, part.range)
            if bytes.isEmpty { bytes = more } else { bytes += more }
        }
    }

    /// The files that have a range of the output.
    func parts(of range: Range<Int>) -> [(descriptor: Int32, range: Range<Int>)] {
        guard let moved, range.lowerBound < movedLength else { return [(descriptor, range)] }
        let first = (moved.descriptor, range.lowerBound..<min(range.upperBound, movedLength))
        return range.upperBound <= movedLength ? [first] : [first, (descriptor, movedLength..<range.upperBound)]
    }

    /// Notes that all bytes up to an offset were printed, and gives their memory or disk space back.
    func markPrinted(upTo offset: Int) {
        file?.discard(printed..<offset)
        moved?.discard(printed..<min(max(printed, movedLength), offset))
        printed = offset
    }

    /// Moves the bytes that are in memory to a file without a name; the job may write on meanwhile.
    ///
    /// - Parameter folder: The folder on whose disk the file is.
    /// - Throws: `OutputError`.
    func move(toDiskOf folder: String) throws(OutputError) {
        let (start, end) = (max(printed, movedLength), length)
        guard case .memory = place, start < end else { return }
        let disk: CaptureFile
        if let moved { disk = moved } else { disk = try CaptureFile.unnamed(in: folder, appends: false) }
        lseek(disk.descriptor, off_t(start), SEEK_SET)
        var offset = off_t(start)
        while offset < end {
            let count = unsafe sendfile(disk.descriptor, descriptor, &offset, min(end - Int(offset), 1 << 24))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw OutputError(what: CaptureFile.name(in: folder), code: errno) }
            // The job shortened its output.
            if count == 0 { break }
        }
        (moved, movedLength) = (disk, Int(offset))
        file?.discard(start..<movedLength)
    }

    /// Empties the capture for the next job (`ftruncate`); bytes already sent to a pipe keep their values.
    func clear() {
        // The file position and the flags are shared by all processes that have the descriptor: a job may have changed
        // them. The end of an empty file is its beginning.
        if lseek(descriptor, 0, SEEK_END) != 0 {
            ftruncate(descriptor, 0)
            lseek(descriptor, 0, SEEK_SET)
        }
        _ = fcntl(descriptor, F_SETFL, O_APPEND)
        (printed, searched, moved, movedLength) = (0, 0, nil, 0)
    }

    /// Gives the file its final name (`rename`).
    ///
    /// - Parameter limit: The most bytes that stay in the file, `--max-output`.
    /// - Throws: `OutputError`.
    func keep(atMost limit: Int) throws(OutputError) {
        guard case .results(let path) = place else { return }
        if length > limit { ftruncate(descriptor, limit) }
        guard unsafe rename(Self.partial(path), path) == 0 else { throw OutputError(what: path, code: errno) }
    }

    private static func partial(_ path: String) -> String { path + ".partial" }
}

extension CaptureFile {
    /// Makes a file without a name.
    ///
    /// - Throws: `OutputError`, which names the folder and its option.
    static func unnamed(in folder: String, appends: Bool) throws(OutputError) -> CaptureFile {
        do { return try CaptureFile(inFolder: folder, appends: appends) } catch {
            throw OutputError(what: name(in: folder), code: error.code)
        }
    }

    /// What messages call such a file.
    static func name(in folder: String) -> String { "the outputs that wait in \(folder) (see --tmpdir)" }
}

/// Reads a range of a file (`pread`); returns fewer bytes at the file's end.
func readAll(_ descriptor: Int32, _ range: Range<Int>) -> [UInt8] {
    unsafe [UInt8](unsafeUninitializedCapacity: range.count) { bytes, count in
        while count < range.count {
            let rest = unsafe bytes.baseAddress! + count
            let more = unsafe pread(descriptor, rest, range.count - count, off_t(range.lowerBound + count))
            if more < 0, errno == EINTR { continue }
            guard more > 0 else { break }
            count += more
        }
    }
}
#endif
