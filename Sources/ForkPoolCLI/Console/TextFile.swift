// SPDX-License-Identifier: Apache-2.0
#if Command
import Glibc

/// Reads small files.
enum TextFile {
    /// The reason why a file was not read.
    struct ReadError: Error {
        /// The errno.
        let code: Int32
    }

    /// Reads a file to its end, because files in /proc have no size (`open`, `read`).
    ///
    /// - Throws: `ReadError`.
    static func read(_ path: String) throws(ReadError) -> [UInt8] {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
        guard file >= 0 else { throw ReadError(code: errno) }
        defer { close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = unsafe Glibc.read(file, &buffer, buffer.count)
            if count == 0 { return bytes }
            if count > 0 {
                bytes += buffer[..<count]
            } else if errno != EINTR {
                throw ReadError(code: errno)
            }
        }
    }

    /// Reads the text of a file, such as one in /proc; nil if it cannot be read.
    static func text(_ path: String) -> String? {
        (try? read(path)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Reads the first line of a file; nil if it cannot be read.
    static func line(_ path: String) -> String? {
        text(path)?.split(separator: "\n").first.map(String.init)
    }
}
#endif
