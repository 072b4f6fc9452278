// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool
import ForkPoolLaunch

/// The measurements of one run of a command, as a trivial type for shared memory.
struct Execution: BitwiseCopyable {
    /// How the run ended.
    enum End: BitwiseCopyable, Equatable {
        case exited(Int32)
        /// By a signal.
        case killed(Int32)
        /// The run exceeded the timeout and was killed.
        case timedOut
        /// `execve` failed with an errno.
        case notStarted(Int32)
        /// The run did not start, because one before it failed.
        case notReached
        /// The system refused a process: an errno.
        case refused(Int32)

        /// Returns whether it is an exit with one of some codes.
        func isExit(with codes: Set<Int32>) -> Bool {
            if case .exited(let code) = self { codes.contains(code) } else { false }
        }
    }

    let end: End
    /// Whether it did its work: it exited with 0, or with another code that counts as such.
    let succeeded: Bool
    /// Nanoseconds from before the start to the end; `user` and `system` are nanoseconds of processor time.
    var wall: Int
    var user: Int
    var system: Int
    /// The peak memory, in bytes.
    ///
    /// It is never less than `memoryFloor`, the peak memory of the launcher, which a child inherits.
    let peakMemory: Int
    let memoryFloor: Int
    let minorFaults: Int
    let majorFaults: Int
    let voluntarySwitches: Int
    let involuntarySwitches: Int
    /// Instructions in user space; nil if not counted.
    let instructions: Int?
    /// The processor time that the launcher has used so far, in nanoseconds.
    let launcherTime: Int

    /// Makes the record of a command that ran.
    init(
        _ end: End, successes: Set<Int32>, wall: Int, _ usage: CommandEnd, memoryFloor: Int, instructions: Int?,
        launcherTime: Int
    ) {
        self.end = end
        succeeded = end.isExit(with: successes)
        self.wall = wall
        user = usage.userTime
        system = usage.systemTime
        peakMemory = usage.maxMemory
        self.memoryFloor = memoryFloor
        minorFaults = usage.minorFaults
        majorFaults = usage.majorFaults
        voluntarySwitches = usage.voluntarySwitches
        involuntarySwitches = usage.involuntarySwitches
        self.instructions = instructions
        self.launcherTime = launcherTime
    }

    /// Makes the record of a run from the values of a baseline file.
    init(
        _ end: End = .exited(0), successes: Set<Int32> = [0], wall: Int, user: Int, system: Int, peakMemory: Int,
        memoryFloor: Int, instructions: Int?
    ) {
        self.end = end
        succeeded = end.isExit(with: successes)
        (self.wall, self.user, self.system) = (wall, user, system)
        (self.peakMemory, self.memoryFloor) = (peakMemory, memoryFloor)
        (minorFaults, majorFaults, voluntarySwitches, involuntarySwitches) = (0, 0, 0, 0)
        self.instructions = instructions
        launcherTime = 0
    }

    /// Makes the record of a command that did not run.
    init(refused end: End) {
        self.end = end
        succeeded = false
        (wall, user, system, peakMemory, memoryFloor) = (0, 0, 0, 0, 0)
        (minorFaults, majorFaults, voluntarySwitches, involuntarySwitches) = (0, 0, 0, 0)
        instructions = nil
        launcherTime = 0
    }

    /// The exit code, as a shell gives it.
    var code: Int32 {
        switch end {
        case .exited(let status): status
        case .killed(let signal): 128 + signal
        case .timedOut: 124
        case .notStarted: Exit.notExecutable
        case .refused, .notReached: Exit.internalError
        }
    }
}
#endif
