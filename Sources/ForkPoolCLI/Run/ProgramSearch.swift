// SPDX-License-Identifier: Apache-2.0
#if Command
import Glibc

/// Finds programs by `PATH` as a shell does, and remembers the last one: most runs have one program.
struct ProgramSearch {
    private var last: (name: [UInt8], result: Result<[UInt8], ProgramSearchError>)?
    private let folders: [[UInt8]]

    init() {
        // As bytes: the name of a folder need not be UTF-8.
        let path = unsafe getenv("PATH").map { unsafe bytes(of: $0) } ?? Array("/usr/local/bin:/usr/bin:/bin".utf8)
        folders = path.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map {
            $0.isEmpty ? Array("./".utf8) : Array($0) + Array("/".utf8)
        }
    }

    /// Finds the file of a program.
    ///
    /// - Parameter name: A name, or a path, which is used as it is.
    /// - Returns: The path.
    /// - Throws: `ProgramSearchError` if there is no such program, or it is not executable.
    mutating func find(_ name: [UInt8]) throws(ProgramSearchError) -> [UInt8] {
        if let last, last.name == name { return try last.result.get() }
        let result = search(name)
        last = (name, result)
        return try result.get()
    }

    private func search(_ name: [UInt8]) -> Result<[UInt8], ProgramSearchError> {
        guard !name.isEmpty else { return .failure(ProgramSearchError(code: ENOENT)) }
        let paths = name.contains(UInt8(ascii: "/")) ? [name] : folders.map { $0 + name }
        var code = ENOENT
        for path in paths {
            switch Self.refusal(path) {
            case nil: return .success(path)
            case EACCES?: code = EACCES
            default: break
            }
        }
        return .failure(ProgramSearchError(code: code))
    }

    /// Returns the errno that keeps a file from being run; nil if it can run.
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

/// A program that does not exist (`ENOENT`), or that cannot be run (another errno).
struct ProgramSearchError: Error {
    let code: Int32

    /// The exit code of shells for this error.
    var exitCode: Int32 { code == ENOENT ? Exit.notFound : Exit.notExecutable }

    /// The message after the program's name.
    var reason: String { code == ENOENT ? "no such program" : "cannot be run: \(systemMessage(code))" }
}
#endif
