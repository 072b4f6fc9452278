extension ForkPool {
    /// The number of processors that this process can use, at least 1.
    ///
    /// This is the number that its affinity allows (`sched_getaffinity`), or fewer where a control group has a quota, be
    /// it the process's own group or one above: a container with a quota of 1.5 processors counts as 2.
    public static var availableProcessors: Int { Processors.available }
}
