// SPDX-License-Identifier: Apache-2.0
#if Command
import Glibc

/// The digest of one reading of a file, as a trivial type, which a worker writes directly into the item's slot.
struct FileDigest: BitwiseCopyable {
    /// The time of the last write to a file.
    struct Moment: BitwiseCopyable, Equatable {
        let seconds: Int
        let nanoseconds: Int
    }

    /// The number of bytes that were read.
    let bytes: Int
    /// The XXH64 of the bytes.
    let hash: UInt64
    /// The time of the last write to the file, as seen before the reading and after it.
    let before: Moment
    let after: Moment

    /// Returns this digest if another reading has the same.
    ///
    /// - Throws: `FileError.changed` if the file was written meanwhile; `differs` if not.
    func agreed(with other: FileDigest) throws(FileError) -> FileDigest {
        if (bytes, hash) == (other.bytes, other.hash) { return self }
        let isUnchanged = before == after && after == other.before && other.before == other.after
        throw isUnchanged ? .differs : .changed
    }
}

/// Digests files with one buffer of fixed size.
struct FileReader {
    /// Large enough to make system calls cheap, small enough to stay in the cache.
    private static let chunk = 128 << 10

    private var buffer = [UInt8](repeating: 0, count: chunk)

    /// Digests a file up to the length that it had when it was found (`openat`, `fstat`, `read`).
    ///
    /// Bytes appended later are not read, so that reading ends even if a log grows as fast as it is read.
    ///
    /// - Throws: `FileError`.
    mutating func digest(_ file: FoundFile, below root: borrowing Folder) throws(FileError) -> FileDigest {
        // If a FIFO replaced the file, opening it must not wait for a writer.
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

    private static func lastWrite(_ descriptor: Int32) throws(FileError) -> FileDigest.Moment {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw .refused(call: "fstat", code: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .replaced }
        return FileDigest.Moment(seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec)
    }

    private mutating func read(_ descriptor: Int32, atMost limit: Int) throws(FileError) -> Int {
        while true {
            let count = unsafe Glibc.read(descriptor, &buffer, min(limit, buffer.count))
            if count >= 0 { return count }
            if errno != EINTR { throw .refused(call: "read", code: errno) }
        }
    }
}
#endif
