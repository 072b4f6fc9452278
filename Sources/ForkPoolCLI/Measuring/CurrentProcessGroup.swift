// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool
import Glibc

/// The process group of the command that runs now, so that a signal handler can kill it.
///
/// The launcher process sets it, in memory that it shares with its parent.
enum CurrentProcessGroup {
    /// The value while a command starts, when its group is not known yet.
    static let starting: Int32 = -1
    static let none: Int32 = 0

    // One thread makes it before the first launcher is forked; from then on it is only read.
    nonisolated(unsafe) private static var group: SharedArray<Int32>?

    /// Makes the memory, before a launcher is forked.
    static func prepare() {
        if unsafe group == nil { unsafe group = SharedArray(repeating: none, count: 1) }
    }

    /// Sets the group; called in the launcher process.
    static func set(_ leader: Int32) {
        unsafe group?[0] = leader
    }

    /// Kills the group (`kill`).
    ///
    /// Makes only system calls, so that a signal handler can call it.
    static func end() {
        guard let group = unsafe group else { return }
        // A start takes less than a millisecond, unless the machine is very busy or the launcher was killed.
        for _ in 0..<2000 where group[0] == starting { _ = poll(nil, 0, 1) }
        if group[0] > 0 { kill(-group[0], SIGKILL) }
    }
}
#endif
