// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Synchronization

/// The processors of this process.
enum Processors {
    /// The number that the affinity allows, or fewer where a control group has a quota; at least 1.
    static var available: Int { min(allowed, quota) }

    /// The same, with a quota that was read at most a second ago: for a decision to spin, which costs nothing but time.
    static var recentlyAvailable: Int {
        let now = monotonicNanoseconds()
        if now - lastRead.load(ordering: .relaxed) > 1_000_000_000 {
            lastQuota.store(quota, ordering: .relaxed)
            lastRead.store(now, ordering: .relaxed)
        }
        return min(allowed, lastQuota.load(ordering: .relaxed))
    }

    private static var allowed: Int { Int(max(cforkpool_sched_getaffinity_count(), 1)) }
    private static var quota: Int { Cgroup().cpuQuota?.wholeProcessors ?? .max }

    private static let lastQuota = Atomic(Int.max)
    /// When the quota was last read, in nanoseconds of the monotonic clock.
    private static let lastRead = Atomic(-1_000_000_001)
}
