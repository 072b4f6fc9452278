// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc

/// What several processes did, in its order: a line of a file for each word.
struct WordFile: Codable, Sendable {
    private let folder: String

    init() {
        folder = Files.makeFolder()
    }

    private var path: String { folder + "/diary" }

    /// Adds a word.
    func note(_ word: String) {
        let file = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        let line = Array((word + "\n").utf8)
        _ = unsafe write(file, line, line.count)
        _ = close(file)
    }

    /// The words until now.
    var words: [String] { Files.lines(path).map(String.init) }

    /// Returns the words, and removes the file.
    func end() -> [String] {
        defer {
            _ = unsafe unlink(path)
            _ = unsafe rmdir(folder)
        }
        return words
    }
}
