import Glibc

/// A folder that is open, and the way to everything below it.
struct Folder: ~Copyable {
    /// The longest path that the system takes in one call, its NUL not counted.
    private static let longestPath = 4095

    private let descriptor: Int32

    /// Opens a folder; if `path` is a symbolic link to one, that one (`open`).
    ///
    /// - Throws: What the system refused: `ENOENT`, `ENOTDIR`, `EACCES`, `ELOOP`.
    init(_ path: String) throws(FileProblem) {
        let opened = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard opened >= 0 else { throw .refused(call: "open", code: errno) }
        descriptor = opened
    }

    deinit {
        close(descriptor)
    }

    /// Opens what is below the folder, and no symbolic link (`openat`).
    ///
    /// A path may be longer than the system's limit: it is then walked in pieces.
    ///
    /// - Parameters:
    ///   - path: The bytes of a relative path; none of them for the folder itself.
    ///   - flags: How to open it, `O_CLOEXEC | O_NOFOLLOW` apart.
    /// - Returns: A descriptor, the caller's to close.
    /// - Throws: What the system refused.
    func open(_ path: [UInt8], _ flags: Int32) throws(FileProblem) -> Int32 {
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

    private static func openOne(_ base: Int32, _ path: ArraySlice<UInt8>, _ flags: Int32) throws(FileProblem) -> Int32 {
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
