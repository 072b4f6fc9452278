import ForkPool
import Glibc

/// The process group of the command that runs now, for whoever has to end it: a signal handler, too.
///
/// Set by the launcher, in memory that it shares with the process that it was forked from.
enum RunningGroup {
    /// What stands there while a command is being started: it has no group yet, or one that is not known.
    static let starting: Int32 = -1
    static let none: Int32 = 0

    // Before the first launcher is forked it is made by one thread, and from then on it is only read.
    nonisolated(unsafe) private static var group: SharedArray<Int32>?

    /// Makes the memory, before a launcher is forked.
    static func prepare() {
        if unsafe group == nil { unsafe group = SharedArray(repeating: none, count: 1) }
    }

    /// Says which group runs; in the launcher.
    static func set(_ leader: Int32) {
        unsafe group?[0] = leader
    }

    /// Ends what runs.
    ///
    /// Makes nothing but system calls.
    static func end() {
        guard let group = unsafe group else { return }
        // Starting takes the launcher less than a millisecond, unless the machine is very busy or somebody killed it.
        for _ in 0..<2000 where group[0] == starting { _ = poll(nil, 0, 1) }
        if group[0] > 0 { kill(-group[0], SIGKILL) }
    }
}
