// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool
import ForkPoolLaunch
import Glibc

/// How much memory the outputs of jobs may use, and how much they do.
struct OutputMemory {
    /// What ended jobs may hold before the budget is read, which costs several system calls.
    private static let free = 4 << 20
    /// When to look at the first jobs, and how often at later ones, at most and at least, in nanoseconds.
    static let firstLook = 10_000_000
    private static let looks = 5_000_000...100_000_000
    /// How many bytes a job can write in a nanosecond, about.
    private static let speed = 2

    /// The budget in bytes; nil if it was not needed yet.
    private var known: Int?
    /// The bytes that ended jobs hold while they wait for an earlier one, and their captures.
    var held = 0
    var heldCaptures = 0
    /// When to look at the outputs of running jobs; nil if there was none yet.
    var nextLook: Int?
    /// Whether jobs write to pipes: outputs are so large, or there is so little memory that the first ones could fill it.
    var usesPipes = false
    /// What each job that has a processor must be able to write before the first look, on a machine that is too busy to look in time.
    private static let atStart = 512 << 20

    /// Makes it for a number of jobs at once, whose outputs begin in memory if there is enough (`/sys/fs/cgroup`).
    ///
    /// - Parameters:
    ///   - jobs: How many jobs run at once.
    ///   - maxOutput: The most bytes that one writes.
    init(jobs: Int, maxOutput: Int) {
        // A limit on files (ulimit -f) is one on those in memory, too: a job would end there, perhaps without a word.
        var limit = rlimit()
        if unsafe getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0 {
            usesPipes = limit.rlim_cur < UInt(maxOutput)
        }
        // A system that grants no more memory than it has refuses a job's write into memory, too.
        if ProcFile.text("/proc/sys/vm/overcommit_memory")?.first == "2" { usesPipes = true }
        // A single job is printed while it runs, and its own start is to stay cheap.
        guard jobs > 1 else { return }
        let machine = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
        let memory = min(Cgroup().memoryLimit ?? .max, machine)
        let least = min(Self.atStart, maxOutput)
        usesPipes = usesPipes || memory / jobs < least && memory / min(jobs, ForkPool.availableProcessors) < least
    }

    /// A quarter of the memory that is free and that the control group allows (`/proc/meminfo`, `/sys/fs/cgroup`).
    mutating func budget() -> Int {
        if let known { return known }
        let budget = max(Self.free, (FreeMemory().bytes ?? 1 << 30) / 4)
        known = budget
        return budget
    }

    /// Whether ended jobs may hold so many bytes more.
    mutating func hasRoom(for bytes: Int) -> Bool {
        let sum = held + bytes
        return sum <= Self.free || sum <= budget()
    }

    /// How long running jobs take at least to fill the budget, in nanoseconds.
    mutating func pause(jobs: Int) -> Int {
        let time = budget() / (Self.speed * max(1, jobs))
        return min(max(time, Self.looks.lowerBound), Self.looks.upperBound)
    }
}
#endif
