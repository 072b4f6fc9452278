// SPDX-License-Identifier: Apache-2.0
#if Command
import Glibc

/// An open folder, which opens the files below it.
struct Folder: ~Copyable {
    /// The longest path of one system call, without the zero at its end.
    private static let longestPath = 4095

    private let descriptor: Int32

    /// Opens a folder, also through a symbolic link (`open`).
    ///
    /// - Throws: `FileError.refused` with `ENOENT`, `ENOTDIR`, `EACCES` or `ELOOP`.
    init(_ path: String) throws(FileError) {
        let opened = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard opened >= 0 else { throw .refused(call: "open", code: errno) }
        descriptor = opened
    }

    deinit {
        close(descriptor)
    }

    /// Opens a file or folder below this one; refuses symbolic links (`openat`).
    ///
    /// A path that is longer than the limit of the system is opened in several steps.
    ///
    /// - Parameters:
    ///   - path: The bytes of a relative path; empty for the folder itself.
    ///   - flags: The flags in addition to `O_CLOEXEC | O_NOFOLLOW`.
    /// - Returns: A descriptor, which the caller closes.
    /// - Throws: `FileError.refused`.
    func open(_ path: [UInt8], _ flags: Int32) throws(FileError) -> Int32 {
        let slash = UInt8(ascii: "/")
        var base = descriptor
        defer { if base != descriptor { close(base) } }
        var rest = path[...]
        while rest.count > Self.longestPath {
            guard let end = rest.prefix(Self.longestPath).lastIndex(of: slash) else { break }
            let piece = try Self.openOne(base, rest[..<end], O_RDONLY | O_DIRECTORY)
            if base != descriptor { close(base) }
            base = piece
            rest = rest[(end + 1)...]
        }
        return try Self.openOne(base, rest, flags)
    }

    private static func openOne(_ base: Int32, _ path: ArraySlice<UInt8>, _ flags: Int32) throws(FileError) -> Int32 {
        let name = path.isEmpty ? [UInt8(ascii: "."), 0] : path + [0]
        while true {
            let opened = unsafe name.withUnsafeBytes { bytes in
                unsafe openat(
                    base,
                    bytes.assumingMemoryBound(to: CChar.self).baseAddress!,
                    flags | O_CLOEXEC | O_NOFOLLOW
                )
            }
            if opened >= 0 { return opened }
            if errno != EINTR { throw .refused(call: "open", code: errno) }
        }
    }
}
#endif
