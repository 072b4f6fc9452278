// SPDX-License-Identifier: Apache-2.0
extension ForkPool {
    /// What maps, calls and streams may ask for, each for itself: times, retries and a priority.
    ///
    /// They start as the `Options` of the pool have them. ``ForkPool/with(_:)`` and ``Resident/with(_:)`` change them for what
    /// is called through the pool that they return.
    ///
    /// ```swift
    /// let pool = ForkPool(workers: 2)
    /// let urgent = pool.with { $0.priority = 10; $0.deadline = .seconds(2) }
    /// let squares = try urgent.map([1, 2, 3]) { $0 * $0 }
    /// ```
    public struct CallOptions: Sendable, Equatable {
        /// The longest time for one item in its worker; nil for no limit.
        ///
        /// A worker that takes longer is killed, and the item fails as `timedOut`. Time in the queue does not count.
        public var timeout: Duration?

        /// The longest time from the call to its result; nil for no limit.
        ///
        /// Time in the queue counts, and so do all attempts and the pauses between them. It begins when a map or a call is made,
        /// and for an item of a stream when it is taken from its source. What is not done then fails as `timedOut`: what still
        /// waits takes no worker, and a worker that is on it is killed. A map whose items are all done has its results then, and
        /// its workers that are still in a `tearDown` are killed. Time in which this process is stopped counts. A deadline of
        /// zero or less has passed already.
        public var deadline: Duration?

        /// How often to run an item again after its worker ended; nil for never, except twice after a proven deadlock.
        public var retries: Int?

        /// The reasons to run an item again, up to `retries` times.
        public var retryReasons: Options.RetryReasons

        /// The pause before an item runs again.
        public var retryPause: Duration

        /// The place in the queue: what has a higher priority goes before what waits with a lower one; 0 by default.
        ///
        /// What has the same priority takes turns, in the order of arrival. A worker leaves work of a lower priority after the
        /// items that it has claimed; nothing is stopped. Work of a low priority may wait for as long as there is other work.
        public var priority = 0

        init(_ options: Options) {
            timeout = options.timeout
            retries = options.retries
            retryReasons = options.retryReasons
            retryPause = options.retryPause
        }

        /// Traps if an option is out of range.
        func check() {
            require(
                (timeout ?? .seconds(1)).nanoseconds > 0,
                "timeout must be at least a nanosecond, not \(timeout ?? .zero)")
            require(retries ?? 0 >= 0, "retries must be at least 0, not \(retries ?? 0)")
            require(retryPause >= .zero, "retryPause must be at least zero, not \(retryPause)")
        }
    }
}
