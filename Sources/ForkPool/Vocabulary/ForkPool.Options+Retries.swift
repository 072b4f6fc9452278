// SPDX-License-Identifier: Apache-2.0
extension ForkPool.Options {
    /// The reasons to run an item again.
    public struct RetryReasons: OptionSet, Sendable {
        /// The bits.
        public let rawValue: Int

        /// Creates reasons from their bits.
        ///
        /// - Parameter rawValue: The bits.
        public init(rawValue: Int) {
            self.rawValue = rawValue
        }

        /// The worker trapped, aborted, crashed by another signal, or exited.
        public static let crash = RetryReasons(rawValue: 1)
        /// A signal from outside ended the worker, such as SIGKILL of the OOM killer.
        public static let kill = RetryReasons(rawValue: 2)
        /// The worker took longer than the timeout.
        public static let timeout = RetryReasons(rawValue: 4)
        /// The worker waited for a lock that no thread was left to release.
        public static let deadlock = RetryReasons(rawValue: 8)
        /// All reasons.
        public static let all: RetryReasons = [.crash, .kill, .timeout, .deadlock]
    }

    /// A limit for how often workers are replaced.
    public struct RestartIntensity: Sendable, Equatable {
        /// The most replacements within the time.
        public let restarts: Int
        /// The span of time.
        public let time: Duration

        /// Allows a number of replacements within any span of time.
        ///
        /// - Parameters:
        ///   - restarts: The most replacements; those because of `itemsPerWorker` do not count.
        ///   - time: The span of time.
        /// - Precondition: `restarts` is at least 0, `time` is more than 0.
        public init(_ restarts: Int, within time: Duration) {
            require(restarts >= 0, "restarts must be at least 0, not \(restarts)")
            require(time > .zero, "the time for restarts must be more than 0, not \(time)")
            self.restarts = restarts
            self.time = time
        }
    }
}

extension ForkPool.Options: Equatable {
    /// Compares two values; of closures only whether there is one.
    ///
    /// - Parameters:
    ///   - one: Options.
    ///   - other: Other options.
    /// - Returns: Whether they are equal.
    public static func == (one: Self, other: Self) -> Bool {
        one.chunk == other.chunk && one.warmMemory == other.warmMemory && one.refusesThreads == other.refusesThreads
            && one.timeout == other.timeout && one.retries == other.retries && one.retryReasons == other.retryReasons
            && one.retryPause == other.retryPause && one.restartIntensity == other.restartIntensity
            && one.itemsPerWorker == other.itemsPerWorker && (one.setUp == nil) == (other.setUp == nil)
            && (one.tearDown == nil) == (other.tearDown == nil) && one.memoryLimit == other.memoryLimit
            && one.cpuTimeLimit == other.cpuTimeLimit && one.pinning == other.pinning
            && one.niceness == other.niceness && (one.progress == nil) == (other.progress == nil)
            && one.name == other.name && one.dumpsCore == other.dumpsCore && one.signals == other.signals
            && one.maxPending == other.maxPending && one.whenFull == other.whenFull
            && one.seed == other.seed
    }
}
