import Glibc

/// What one reading of a file gave: a bit pattern, so it goes straight into the item's slot.
struct FileDigest: BitwiseCopyable {
    /// When a file was last written to.
    struct Moment: BitwiseCopyable, Equatable {
        let seconds: Int
        let nanoseconds: Int
    }

    /// How many bytes were read.
    let bytes: Int
    /// Their XXH64.
    let hash: UInt64
    /// When the file had last been written to before the reading, and after it.
    let before: Moment
    let after: Moment

    /// Takes this reading's digest if another reading has the same, or says why they differ.
    ///
    /// - Throws: That the file was changed meanwhile, or else that one of the readings is wrong.
    func agreed(with other: FileDigest) throws(FileProblem) -> FileDigest {
        if (bytes, hash) == (other.bytes, other.hash) { return self }
        let isUnchanged = before == after && after == other.before && other.before == other.after
        throw isUnchanged ? .differs : .changed
    }
}

/// Digests files through one buffer of fixed size.
struct FileReader {
    /// Large enough that the calls cost little, small enough to stay in the cache.
    private static let chunk = 128 << 10

    private var buffer = [UInt8](repeating: 0, count: chunk)

    /// Reads a file as far as it went when it was found, and digests it (`openat`, `fstat`, `read`).
    ///
    /// What was appended since is not read: a log that grows as fast as it is read has an end too.
    ///
    /// - Throws: What the system refused, or that the file is no longer what was found.
    mutating func digest(_ file: FoundFile, below root: borrowing Folder) throws(FileProblem) -> FileDigest {
        // Should a FIFO have taken the file's place, opening it must not wait for a writer.
        let descriptor = try root.open(file.path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
        defer { close(descriptor) }
        let before = try Self.lastWrite(descriptor)
        var hash = XXH64()
        var bytes = 0
        while bytes < file.size {
            let count = try read(descriptor, atMost: file.size - bytes)
            guard count > 0 else { throw .shrank(from: file.size, to: bytes) }
            hash.update(buffer.span.extracting(first: count))
            bytes += count
        }
        return FileDigest(bytes: bytes, hash: hash.digest, before: before, after: try Self.lastWrite(descriptor))
    }

    private static func lastWrite(_ descriptor: Int32) throws(FileProblem) -> FileDigest.Moment {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw .refused(call: "fstat", code: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .replaced }
        return FileDigest.Moment(seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec)
    }

    private mutating func read(_ descriptor: Int32, atMost limit: Int) throws(FileProblem) -> Int {
        while true {
            let count = unsafe Glibc.read(descriptor, &buffer, min(limit, buffer.count))
            if count >= 0 { return count }
            if errno != EINTR { throw .refused(call: "read", code: errno) }
        }
    }
}
