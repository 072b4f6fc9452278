// SPDX-License-Identifier: Apache-2.0
#if Command
import Glibc

/// The log of an earlier run: the jobs that are done.
struct ResumeLog {
    /// The beginning of every line of a log.
    private static let beginning = Array("{\"seq\": ".utf8)
    /// What the log says of a job that succeeded.
    struct Done: Equatable {
        let item: [UInt8]
        /// The words of its command in one array; nil if the log has none.
        let words: [UInt8]?
        var input = JobInput()
    }

    let path: String
    /// The jobs that succeeded, by their number.
    private(set) var done: [Int: Done] = [:]
    /// The identities of the results that its lines name.
    private(set) var results: Set<String> = []
    /// How many bytes the complete lines have; a last line that was cut does not count.
    private(set) var length = 0

    /// Reads a log; without a file, no job is done.
    ///
    /// - Throws: `ResumeError` if the file cannot be read, or has a line that no log has.
    init(_ path: String) throws(ResumeError) {
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
                // A last line without a newline was cut.
                number += 1
                if reader.endedWithin, reader.isAtEnd {
                    // Do not truncate a file that is no log.
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

    private mutating func add(_ line: [UInt8], _ number: Int) throws(ResumeError) {
        guard let entry = try? JSON.parse(line), let job = entry["seq"]?.integer, let item = entry["item"]?.bytes,
            let exit = entry["exit"]
        else { throw .malformed(path, line: number) }
        // If a job has several lines, the last one counts.
        let words = entry["argv"]?.array.map { $0.compactMap(\.bytes) }
        let input = JobInput(entry)
        done[job] = exit.integer == 0 ? Done(item: item, words: words.map(Self.joined), input: input) : nil
        if let one = input.results { results.insert(one) }
    }

    /// Joins words by zero bytes, which none of them contains.
    static func joined(_ words: [[UInt8]]) -> [UInt8] { Array(words.joined(separator: [0])) }
}

/// A log that cannot be resumed.
enum ResumeError: Error {
    case unreadable(String, Int32)
    case malformed(String, line: Int)

    /// The message.
    var sentence: String {
        switch self {
        case .unreadable(let path, let code): "\(path): cannot be read: \(systemMessage(code))"
        case .malformed(let path, let line):
            "\(path): line \(line) is not from forkpool run --log; no job was started"
        }
    }
}
#endif
