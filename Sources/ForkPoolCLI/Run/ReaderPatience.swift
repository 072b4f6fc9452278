// SPDX-License-Identifier: Apache-2.0
#if Command
import Synchronization

/// How long a run waits for the readers of its output once a signal ends it.
///
/// The reader of a pipe or a stopped terminal may never take what is left, and the run has to end all the same.
enum ReaderPatience {
    /// How long a reader may take nothing, and how long all of it may take, in nanoseconds.
    private static let stall = 2_000_000_000
    private static let most = 10_000_000_000
    private static let start = Atomic<Int>(0)
    private static let progress = Atomic<Int>(0)
    private static let signals = Atomic<Int>(0)

    /// Begins to wait; makes only system calls, for a signal handler.
    static func restart() {
        let time = now()
        start.store(time, ordering: .relaxed)
        progress.store(time, ordering: .relaxed)
        signals.store(RunSignals.endings, ordering: .releasing)
    }

    /// Notes that a reader took something.
    static func noteProgress() {
        if RunSignals.endings > 0 { progress.store(now(), ordering: .relaxed) }
    }

    /// Whether a signal ends the run and its readers had their time, or there was another signal since.
    static var isOver: Bool {
        guard RunSignals.endings > 0 else { return false }
        if RunSignals.endings > signals.load(ordering: .acquiring) { return true }
        let time = now()
        return time - progress.load(ordering: .relaxed) > stall || time - start.load(ordering: .relaxed) > most
    }
}
#endif
