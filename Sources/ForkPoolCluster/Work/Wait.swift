// SPDX-License-Identifier: Apache-2.0
internal import ForkPool

/// A wait for other ranks, which the stall timeout ends, and with it the job.
///
/// After some seconds a line on standard error says what it is for.
struct Wait {
    /// When a line says that something is waited for, in nanoseconds.
    private static let patience = 10_000_000_000

    private let link: HostLink
    private let limit: Int?
    private var backoff: Backoff
    private var clock: LookClock
    private var start: Int
    private var isNoticed = false

    /// - Parameters:
    ///   - link: What this rank waits with.
    ///   - backoff: How long to sleep between looks.
    ///   - factor: How many stall timeouts it may last: two where another rank sees what is wrong better.
    init(_ link: HostLink, _ backoff: Backoff = Backoff(), factor: Int = 1) {
        self.link = link
        self.backoff = backoff
        limit = link.stallTimeout.map { factor * $0 }
        clock = link.clock(limit: limit ?? Self.patience)
        start = clock.now()
    }

    /// Sleeps a while.
    ///
    /// - Parameters:
    ///   - act: What this rank does, in words.
    ///   - others: The ranks that it waits for.
    mutating func pause(_ act: @autoclosure () -> String, for others: @autoclosure () -> [Int]) {
        backoff.pause()
        let time = clock.now() - start
        let isOver = limit.map { time > $0 } ?? false
        guard isOver || !isNoticed && time > Self.patience else { return }
        let names = others().map(link.name).joined(separator: ", ")
        let line = "\(link.name(link.transport.rank)) \(act()), and has waited for \(names) for "
        if isOver, let limit { link.lost(line + "\(Duration.nanoseconds(limit))") }
        link.say(line + "\(Duration.nanoseconds(Self.patience))")
        isNoticed = true
    }

    /// Something has come, or gone: the wait begins anew.
    mutating func reset() {
        start = clock.now()
        backoff.reset()
    }
}
