import ForkPool
import ForkPoolLaunch
import Glibc

/// Where one job writes one of its two outputs: memory, or a file of `--results`.
final class Capture {
    private let memory: CaptureFile?
    /// What is to be the job's standard output or error.
    let descriptor: Int32
    private let path: String?

    /// Makes one in memory.
    ///
    /// - Throws: What the system refused.
    init() throws(SystemError) {
        let file = try CaptureFile()
        (memory, descriptor, path) = (file, file.descriptor, nil)
    }

    /// Makes a file, which has its name once the job has ended and is called `NAME.partial` until then.
    ///
    /// - Parameter path: The file's name.
    /// - Throws: What the system refused.
    init(file path: String) throws(OutputRefusal) {
        memory = nil
        // Another file than an earlier attempt's, to which somebody may still write.
        unsafe unlink(Self.partial(path))
        descriptor = unsafe open(
            Self.partial(path), O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o666 as mode_t)
        guard descriptor >= 0 else { throw OutputRefusal(what: Self.partial(path), code: errno) }
        self.path = path
    }

    deinit {
        if memory == nil { close(descriptor) }
    }

    /// Whether another job can write here once it was emptied.
    var isReusable: Bool { memory != nil }

    /// How many bytes the job has written (`fstat`).
    var length: Int {
        var status = stat()
        return unsafe fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
    }

    /// Takes what was written, from the beginning.
    ///
    /// - Parameter length: The most that is taken.
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

    /// Empties it for the next job; what a reader has not read yet of what was sent stays as it was (`ftruncate`).
    func clear() {
        ftruncate(descriptor, 0)
        // A job may have changed what is the same for everybody who has this descriptor.
        lseek(descriptor, 0, SEEK_SET)
        _ = fcntl(descriptor, F_SETFL, O_APPEND)
    }

    /// Gives the file its name.
    ///
    /// - Parameter limit: The bytes of it that stay; the job was to write no more.
    /// - Throws: What the system refused.
    func keep(atMost limit: Int) throws(OutputRefusal) {
        guard let path else { return }
        if length > limit { ftruncate(descriptor, limit) }
        guard unsafe rename(Self.partial(path), path) == 0 else { throw OutputRefusal(what: path, code: errno) }
    }

    private static func partial(_ path: String) -> String { path + ".partial" }
}

/// What a job wrote to one of its outputs.
enum Captured {
    case nothing
    /// A little, which was taken out of the capture already.
    case bytes([UInt8])
    /// Much: it stays where the job wrote it until it is printed.
    case whole(Capture, length: Int)

    /// How many bytes it is.
    var length: Int {
        switch self {
        case .nothing: 0
        case .bytes(let bytes): bytes.count
        case .whole(_, let length): length
        }
    }
}

/// Why something cannot be written, and what.
struct OutputRefusal: Error {
    let what: String
    /// The errno.
    let code: Int32

    static let standardOutput = "standard output"

    /// Whether nobody reads the results any more, which is no error.
    var isClosedPipe: Bool { code == EPIPE && what == Self.standardOutput }
}
