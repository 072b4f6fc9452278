import ForkPool
import ForkPoolLaunch

/// What one run of a command gave: a bit pattern, so it goes straight into shared memory.
struct Execution: BitwiseCopyable {
    /// How it ended.
    enum End: BitwiseCopyable, Equatable {
        case exited(Int32)
        /// By a signal.
        case killed(Int32)
        /// It took too long, and was killed.
        case timedOut
        /// It was not started: what `execve` was refused by.
        case notStarted(Int32)
        /// One before it failed.
        case notReached
        /// The system refused to start anything.
        case refused(Int32)
    }

    let end: End
    /// Nanoseconds: from before the start to the end, and of processor time.
    let wall: Int
    let user: Int
    let system: Int
    /// The most memory that it had at once, in bytes; never less than `memoryFloor`, which its launcher had.
    let peakMemory: Int
    let memoryFloor: Int
    let minorFaults: Int
    let majorFaults: Int
    let voluntarySwitches: Int
    let involuntarySwitches: Int
    /// Instructions outside of the kernel, if they were counted.
    let instructions: Int?
    /// The processor time that its launcher has used so far, in nanoseconds.
    let launcherTime: Int

    /// Makes the record of a command that ran.
    init(
        _ end: End, wall: Int, _ usage: CommandEnd, memoryFloor: Int, instructions: Int?, launcherTime: Int
    ) {
        self.end = end
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

    /// Makes the record of a run of which a file tells what can be compared.
    init(
        _ end: End = .exited(0), wall: Int, user: Int, system: Int, peakMemory: Int, memoryFloor: Int,
        instructions: Int?
    ) {
        self.end = end
        (self.wall, self.user, self.system) = (wall, user, system)
        (self.peakMemory, self.memoryFloor) = (peakMemory, memoryFloor)
        (minorFaults, majorFaults, voluntarySwitches, involuntarySwitches) = (0, 0, 0, 0)
        self.instructions = instructions
        launcherTime = 0
    }

    /// Makes the record of a command that did not run.
    init(refused end: End) {
        self.end = end
        (wall, user, system, peakMemory, memoryFloor) = (0, 0, 0, 0, 0)
        (minorFaults, majorFaults, voluntarySwitches, involuntarySwitches) = (0, 0, 0, 0)
        instructions = nil
        launcherTime = 0
    }

    /// Whether it ended well.
    var succeeded: Bool { end == .exited(0) }

    /// The exit code, as a shell has it.
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
