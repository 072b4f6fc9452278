// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool
import Glibc

/// A progress count on the last line of the terminal, shared by all workers; silent if there is no terminal.
struct Progress {
    private let label: String
    private let total: Int
    private let done = SharedCounter()
    private let isShown: Bool

    /// Starts a count.
    ///
    /// - Parameters:
    ///   - label: The text before the count.
    ///   - total: The number of items.
    init(_ label: String, of total: Int) {
        self.label = label
        self.total = total
        isShown = Style(for: STDERR_FILENO).canRedraw
    }

    /// Counts an item; shows every hundredth.
    func step() {
        guard isShown else { return }
        let count = done.add(1)
        if count % 100 == 0 { StandardError.write("\r  \(label): \(count) of \(total) ") }
    }

    /// Erases the count, and resets it to 0.
    func end() {
        done.add(-done.value)
        if isShown { StandardError.write("\r\u{1B}[K") }
    }
}
#endif
