// SPDX-License-Identifier: Apache-2.0
extension ForkPool {
    /// The number of processors that this process can use, at least 1.
    ///
    /// This is the number that its affinity allows (`sched_getaffinity`), or fewer if its control group or one above
    /// has a quota: a container with a quota of 1.5 processors counts as 2.
    public static var availableProcessors: Int { Processors.available }
}
