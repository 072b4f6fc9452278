import Glibc

/// Finds programs as a shell does: by `PATH`, once for each name.
struct ProgramSearch {
    private var known: [[UInt8]: Result<[UInt8], ProgramMissing>] = [:]
    private let folders: [[UInt8]]

    init() {
        // Bytes: a folder's name may be any.
        let path = unsafe getenv("PATH").map { unsafe bytes(of: $0) } ?? Array("/usr/local/bin:/usr/bin:/bin".utf8)
        folders = path.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map {
            $0.isEmpty ? Array("./".utf8) : Array($0) + Array("/".utf8)
        }
    }

    /// Finds a program's file.
    ///
    /// - Parameter name: Its name, or its path, which is taken as it is.
    /// - Returns: The path.
    /// - Throws: That there is none, or none that may be run.
    mutating func find(_ name: [UInt8]) throws(ProgramMissing) -> [UInt8] {
        if let result = known[name] { return try result.get() }
        let result = search(name)
        known[name] = result
        return try result.get()
    }

    private func search(_ name: [UInt8]) -> Result<[UInt8], ProgramMissing> {
        guard !name.isEmpty else { return .failure(ProgramMissing(code: ENOENT)) }
        let paths = name.contains(UInt8(ascii: "/")) ? [name] : folders.map { $0 + name }
        var code = ENOENT
        for path in paths {
            switch Self.refusal(path) {
            case nil: return .success(path)
            case EACCES?: code = EACCES
            default: break
            }
        }
        return .failure(ProgramMissing(code: code))
    }

    /// Why a file cannot be run, or nil if it can.
    private static func refusal(_ path: [UInt8]) -> Int32? {
        unsafe (path + [0]).withUnsafeBytes { bytes in
            let name = unsafe bytes.assumingMemoryBound(to: CChar.self).baseAddress!
            var status = stat()
            guard unsafe stat(name, &status) == 0 else { return errno }
            guard status.st_mode & S_IFMT == S_IFREG, unsafe access(name, X_OK) == 0 else { return EACCES }
            return nil
        }
    }
}

/// Why a program cannot be run: ENOENT, or another errno if there is one that may not be.
struct ProgramMissing: Error {
    let code: Int32

    /// The exit code that shells have for it.
    var exitCode: Int32 { code == ENOENT ? Exit.notFound : Exit.notExecutable }

    /// What a person reads behind the program's name.
    var reason: String { code == ENOENT ? "no such program" : "cannot be run: \(systemMessage(code))" }
}
