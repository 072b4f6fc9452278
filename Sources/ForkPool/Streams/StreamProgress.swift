// SPDX-License-Identifier: Apache-2.0

/// Calls a pool's progress handler for a stream, from the code that reads the stream.
struct StreamProgress {
    /// The time between two calls, in nanoseconds.
    private static let period = 100_000_000

    let handler: @Sendable (ForkPool.Options.Progress) -> Void
    /// The number of items, if the input is a collection.
    let total: Int?
    /// The numbers of items that were delivered, and that were taken from the source.
    var done = 0
    var taken = 0
    private var shown = monotonicNanoseconds()
    private var isOver = false

    init(handler: @escaping @Sendable (ForkPool.Options.Progress) -> Void, total: Int?) {
        self.handler = handler
        self.total = total
    }

    /// Returns what to show now, if it is time for that.
    mutating func take(isLast: Bool, at now: Int = monotonicNanoseconds()) -> ForkPool.Options.Progress? {
        guard !isOver, isLast || now - shown >= Self.period else { return nil }
        (shown, isOver) = (now, isLast)
        return .init(done: done, total: total ?? taken)
    }
}

extension StreamState {
    /// Calls the progress handler if it is time for that; the caller holds no lock, since the handler may do anything.
    func showProgress() {
        guard let handler = reading.progress?.handler else { return }
        if let progress = reading.progress?.take(isLast: false) { handler(progress) }
    }

    /// Calls the progress handler for the last time, when so many elements that are ready were not delivered.
    func showLastProgress(undelivered: Int) {
        guard let handler = reading.progress?.handler else { return }
        let delivered = exchange(&reading.delivered, with: 0)
        reading.progress?.done += delivered - undelivered
        if let progress = reading.progress?.take(isLast: true) { handler(progress) }
    }
}
