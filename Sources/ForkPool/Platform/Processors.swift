// SPDX-License-Identifier: Apache-2.0
internal import CForkPool

/// The processors of this process.
enum Processors {
    /// The number that the affinity allows, or fewer where a control group has a quota; at least 1.
    static var available: Int {
        let allowed = Int(max(cforkpool_sched_getaffinity_count(), 1))
        return min(allowed, Cgroup().cpuQuota?.wholeProcessors ?? allowed)
    }
}
