extension ForkPool.Options {
    /// After what an item is run again.
    public struct RetryReasons: OptionSet, Sendable {
        /// The bits.
        public let rawValue: Int

        /// Creates reasons from their bits.
        ///
        /// - Parameter rawValue: The bits.
        public init(rawValue: Int) {
            self.rawValue = rawValue
        }

        /// The worker trapped, aborted, met a signal of its own making or exited.
        public static let crash = RetryReasons(rawValue: 1)
        /// The worker was ended by a signal from outside, such as the OOM killer's SIGKILL.
        public static let kill = RetryReasons(rawValue: 2)
        /// The worker took longer than the timeout.
        public static let timeout = RetryReasons(rawValue: 4)
        /// The worker waited for what nobody was left to give it.
        public static let deadlock = RetryReasons(rawValue: 8)
        /// All of these.
        public static let all: RetryReasons = [.crash, .kill, .timeout, .deadlock]
    }

    /// How often workers may be replaced.
    public struct RestartIntensity: Sendable, Equatable {
        /// The most replacements within the time.
        public let restarts: Int
        /// The time.
        public let time: Duration

        /// Allows so many replacements within any span of a time.
        ///
        /// - Parameters:
        ///   - restarts: The most replacements; those of workers that were used up do not count.
        ///   - time: The time within which they are counted.
        /// - Precondition: `restarts` is at least 0, `time` longer than nothing.
        public init(_ restarts: Int, within time: Duration) {
            precondition(restarts >= 0, "ForkPool: restarts must be at least 0, not \(restarts)")
            precondition(time > .zero, "ForkPool: the time for restarts must be longer than nothing, not \(time)")
            self.restarts = restarts
            self.time = time
        }
    }
}

extension ForkPool.Options: Equatable {
    /// Compares what can be compared: of closures only whether there is one.
    ///
    /// - Parameters:
    ///   - one: Options.
    ///   - other: Other options.
    /// - Returns: Whether they agree.
    public static func == (one: Self, other: Self) -> Bool {
        one.chunk == other.chunk && one.warmMemory == other.warmMemory && one.refusesThreads == other.refusesThreads
            && one.timeout == other.timeout && one.retries == other.retries && one.retryReasons == other.retryReasons
            && one.retryPause == other.retryPause && one.restartIntensity == other.restartIntensity
            && one.itemsPerWorker == other.itemsPerWorker && (one.setUp == nil) == (other.setUp == nil)
            && (one.tearDown == nil) == (other.tearDown == nil) && one.memoryLimit == other.memoryLimit
            && one.cpuTimeLimit == other.cpuTimeLimit && one.pinning == other.pinning
            && one.niceness == other.niceness && (one.progress == nil) == (other.progress == nil)
            && one.name == other.name
    }
}
