// SPDX-License-Identifier: Apache-2.0
internal import ForkPool

/// What failed in a worker: an assertion, or another issue of a test.
struct WorkerIssue: Hashable {
    var file: String
    /// The module and the name of the file; empty for XCTest.
    var fileID: String
    var line: Int
    var column: Int
    var isWarning: Bool
    /// What the testing library says of it.
    var text: String
    /// The process ID and the number of the worker, the attempt at the item, and the item in its batch, or -1 between items.
    var pid: Int
    var worker: Int
    var attempt: Int
    var item: Int

    /// The longest text that is kept, in bytes.
    static let textLimit = 16 << 10

    /// Makes an issue of the calling worker, at the item that it is on.
    init(_ text: String, file: String, fileID: String = "", line: Int, column: Int = 0, isWarning: Bool = false) {
        self.file = file
        self.fileID = fileID
        self.line = line
        self.column = column
        self.isWarning = isWarning
        self.text = Self.cut(text)
        let worker = ForkPool.worker
        pid = Int(worker?.pid ?? 0)
        self.worker = worker?.index ?? 0
        attempt = worker?.attempt ?? 1
        item = ForkPool.currentItem ?? -1
    }

    /// Says where the issue happened, and what it is.
    ///
    /// - Parameter ofTestBefore: Whether an earlier test left the worker.
    /// - Returns: One line and the text.
    func description(ofTestBefore: Bool) -> String {
        let place = item < 0 ? "between two items" : attempt > 1 ? "item \(item), attempt \(attempt)" : "item \(item)"
        return "\(ofTestBefore ? "left by an earlier test: " : "")\(place), worker \(worker) (pid \(pid)): \(text)"
    }

    private static func cut(_ text: String) -> String {
        guard text.utf8.count > textLimit else { return text }
        // A slice rounds its end down to a whole character of Unicode.
        let kept = text[..<text.utf8.index(text.startIndex, offsetBy: textLimit)]
        return "\(kept) … (the first \(kept.utf8.count) of \(text.utf8.count) bytes)"
    }
}

// MARK: - As bytes

extension WorkerIssue {
    // The fields as text, one after the other with a zero byte between two. It has no other zero byte.

    var bytes: [UInt8] {
        let numbers = [line, column, isWarning ? 1 : 0, pid, worker, attempt, item].map(String.init)
        let fields = numbers + [file, fileID, text].map { $0.replacing("\0", with: "\u{FFFD}") }
        return Array(fields.joined(separator: "\0").utf8)
    }

    /// Reads an issue; nil if a body wrote over it.
    init?(bytes: some Collection<UInt8>) {
        let parts = bytes.split(separator: 0, omittingEmptySubsequences: false)
        let fields = parts.map { String(decoding: $0, as: UTF8.self) }
        let numbers = fields.prefix(7).compactMap { Int($0) }
        guard fields.count == 10, numbers.count == 7 else { return nil }
        (line, column, isWarning) = (numbers[0], numbers[1], numbers[2] == 1)
        (pid, worker, attempt, item) = (numbers[3], numbers[4], numbers[5], numbers[6])
        (file, fileID, text) = (fields[7], fields[8], fields[9])
    }
}
