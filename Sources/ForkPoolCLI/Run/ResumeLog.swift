import Glibc

/// What the log of an earlier run says is done.
struct ResumeLog {
    /// How every line of a log begins.
    private static let beginning = Array("{\"seq\": ".utf8)
    let path: String
    /// The item of each job that succeeded, by the job's number.
    private(set) var done: [Int: [UInt8]] = [:]
    /// How many bytes of whole lines there are; a last one that was cut is not among them.
    private(set) var length = 0

    /// Reads a log; where there is none, nothing is done.
    ///
    /// - Throws: What the system refused, or which line is none of a log.
    init(_ path: String) throws(ResumeProblem) {
        self.path = path
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        if file < 0 {
            if errno == ENOENT { return }
            throw .unreadable(path, errno)
        }
        defer { close(file) }
        let reader = ItemSource(descriptor: file, separator: UInt8(ascii: "\n"))
        var number = 0
        while true {
            while let line = reader.take(), let bytes = line.first {
                // The last line that the reader found at the end of the file has no end of its own.
                number += 1
                if reader.endedWithin, reader.isAtEnd {
                    // It was cut, unless this is another kind of file, which then stays as it is.
                    guard Self.beginning.starts(with: bytes.prefix(Self.beginning.count)) else {
                        throw .malformed(path, line: number)
                    }
                    return
                }
                try add(bytes, number)
                length += bytes.count + 1
            }
            if reader.isWhole { return }
            do { try reader.read() } catch { throw .unreadable(path, error.code) }
        }
    }

    private mutating func add(_ line: [UInt8], _ number: Int) throws(ResumeProblem) {
        guard let entry = try? JSON.parse(line), let job = entry["seq"]?.integer, let item = entry["item"]?.bytes,
            let exit = entry["exit"]
        else { throw .malformed(path, line: number) }
        // A job may be there twice: the last time counts.
        done[job] = exit.integer == 0 ? item : nil
    }
}

/// Why a log cannot be resumed from.
enum ResumeProblem: Error {
    case unreadable(String, Int32)
    case malformed(String, line: Int)

    /// What a person reads.
    var sentence: String {
        switch self {
        case .unreadable(let path, let code): "\(path): cannot be read: \(systemMessage(code))"
        case .malformed(let path, let line):
            "\(path): line \(line) is none of a log that forkpool run --log writes; nothing was begun"
        }
    }
}
