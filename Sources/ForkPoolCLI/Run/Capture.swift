// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPoolLaunch
import ForkPool
import Glibc

/// The place where a job writes one of its two outputs: memory, or a file of `--results`.
final class Capture {
    private let memory: CaptureFile?
    /// The descriptor that becomes the job's standard output or error.
    let descriptor: Int32
    private let path: String?

    /// Makes a capture in memory (`memfd_create`).
    ///
    /// - Throws: `SystemError`.
    init() throws(SystemError) {
        let file = try CaptureFile()
        (memory, descriptor, path) = (file, file.descriptor, nil)
    }

    /// Makes a capture in a file, which is called `NAME.partial` until the job has ended.
    ///
    /// - Parameter path: The file's name.
    /// - Throws: `OutputError`.
    init(file path: String) throws(OutputError) {
        memory = nil
        // A process that an earlier attempt left running may still write to the old file.
        unsafe unlink(Self.partial(path))
        descriptor = unsafe open(
            Self.partial(path), O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o666 as mode_t)
        guard descriptor >= 0 else { throw OutputError(what: Self.partial(path), code: errno) }
        self.path = path
    }

    deinit {
        if memory == nil { close(descriptor) }
    }

    /// Whether another job can use the capture after `clear`.
    var isReusable: Bool { memory != nil }

    /// How many bytes the job has written (`fstat`).
    var length: Int {
        var status = stat()
        return unsafe fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
    }

    /// Reads what the job wrote, from the beginning (`pread`).
    ///
    /// - Parameter length: The most bytes to read.
    /// - Returns: The bytes.
    func read(_ length: Int) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: length) { bytes, count in
            while count < length {
                let rest = unsafe bytes.baseAddress! + count
                let more = unsafe pread(descriptor, rest, length - count, off_t(count))
                if more < 0, errno == EINTR { continue }
                guard more > 0 else { break }
                count += more
            }
        }
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
    }

    /// Gives the file its final name (`rename`).
    ///
    /// - Parameter limit: The most bytes that stay in the file, `--max-output`.
    /// - Throws: `OutputError`.
    func keep(atMost limit: Int) throws(OutputError) {
        guard let path else { return }
        if length > limit { ftruncate(descriptor, limit) }
        guard unsafe rename(Self.partial(path), path) == 0 else { throw OutputError(what: path, code: errno) }
    }

    private static func partial(_ path: String) -> String { path + ".partial" }
}

/// The output of a job, of one of its two streams.
enum JobOutput {
    case nothing
    /// A small output, already read from the capture.
    case bytes([UInt8])
    /// A large output, which stays in the capture until it is printed.
    case whole(Capture, length: Int)

    /// The number of bytes.
    var length: Int {
        switch self {
        case .nothing: 0
        case .bytes(let bytes): bytes.count
        case .whole(_, let length): length
        }
    }
}

/// A file or stream that cannot be written.
struct OutputError: Error {
    let what: String
    /// The errno.
    let code: Int32

    static let standardOutput = "standard output"

    /// Whether the reader of standard output closed the pipe, which is no error.
    var isClosedPipe: Bool { code == EPIPE && what == Self.standardOutput }
}
#endif
