import ForkPool
import Glibc

/// A count on the terminal's last line, from whichever process has just done an item; silent anywhere else.
struct Progress {
    private let label: String
    private let total: Int
    private let done = SharedCounter()
    private let isShown: Bool

    /// Begins a count.
    ///
    /// - Parameters:
    ///   - label: What is done.
    ///   - total: How many items there are.
    init(_ label: String, of total: Int) {
        self.label = label
        self.total = total
        isShown = Style(for: STDERR_FILENO).isColoured
    }

    /// Counts one more; every hundredth is shown.
    func step() {
        guard isShown else { return }
        let count = done.add(1)
        if count % 100 == 0 { StandardError.write("\r  \(label): \(count) of \(total) ") }
    }

    /// Takes the count off the terminal; the next one begins at nothing.
    func end() {
        done.add(-done.value)
        if isShown { StandardError.write("\r\u{1B}[K") }
    }
}
