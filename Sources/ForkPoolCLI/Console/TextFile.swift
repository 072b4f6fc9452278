import Glibc

/// Whole files, small ones.
enum TextFile {
    /// Why a file was not read.
    struct Refusal: Error {
        let code: Int32
    }

    /// Reads a file to its end, whatever its size says (`open`, `read`).
    ///
    /// - Throws: What the system refused.
    static func read(_ path: String) throws(Refusal) -> [UInt8] {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
        guard file >= 0 else { throw Refusal(code: errno) }
        defer { close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = unsafe Glibc.read(file, &buffer, buffer.count)
            if count == 0 { return bytes }
            if count > 0 {
                bytes += buffer[..<count]
            } else if errno != EINTR {
                throw Refusal(code: errno)
            }
        }
    }

    /// The text of a file of the system, such as those in /proc; nil if it is not there.
    static func text(_ path: String) -> String? {
        (try? read(path)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The text without the line break at its end.
    static func line(_ path: String) -> String? {
        text(path)?.split(separator: "\n").first.map(String.init)
    }
}
