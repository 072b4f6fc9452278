// SPDX-License-Identifier: Apache-2.0
extension ForkPool {
    /// The options of a pool: scheduling, limits, retries, and the life of its workers.
    public struct Options: Sendable {
        /// How many items a worker claims at once.
        public struct Chunk: Sendable, Equatable {
            /// The fixed number of items, or nil.
            let size: Int?

            /// Chooses the number by the durations of the items: one if they are long, more if they are short, and
            /// fewer again toward the end.
            public static let automatic = Chunk(size: nil)

            /// Uses the same number for each chunk but the last.
            ///
            /// - Parameter size: The number of items.
            /// - Returns: The chunk size.
            /// - Precondition: `size` is at least 1.
            public static func fixed(_ size: Int) -> Chunk {
                require(size >= 1, "a chunk must be at least 1 item, not \(size)")
                return Chunk(size: size)
            }
        }

        /// How many items a worker claims at once.
        public var chunk: Chunk

        /// The bytes of shared memory that the pool keeps between maps; it returns the rest to the system.
        ///
        /// The main cost of big results is the first touch of each page, so this makes later maps faster.
        public var warmMemory: Int

        /// Whether a map fails if the process has other threads, instead of forking beside them.
        ///
        /// <doc:WhatIsSafe> lists what is safe in a body beside other threads. Test runners and asynchronous programs
        /// always have some.
        public var refusesThreads: Bool

        /// The longest time for one item; nil for no limit.
        ///
        /// A worker that takes longer is killed within some milliseconds, and the item fails as `timedOut`. The start
        /// of a worker, with `setUp`, does not count.
        public var timeout: Duration?

        /// How often to run an item again after its worker ended; nil for never, except twice after a proven deadlock.
        ///
        /// A worker that crashed, was killed, timed out or deadlocked had started the item, and its effects outside of
        /// its own memory stay. With 0 no item ever starts twice.
        public var retries: Int?

        /// The reasons to run an item again, up to `retries` times.
        public var retryReasons: RetryReasons

        /// The pause before an item runs again.
        ///
        /// Other items that the worker had claimed wait too.
        public var retryPause: Duration

        /// The limit for replacing workers; nil for no limit.
        ///
        /// If workers end more often, the map fails, and a resident pool ends. In any case a map fails if 32 workers in
        /// a row end before they reach an item.
        public var restartIntensity: RestartIntensity?

        /// The number of items after which a fresh worker replaces a worker; nil for never.
        ///
        /// Use it for a body that leaks memory or other resources.
        public var itemsPerWorker: Int?

        /// Runs in each worker before its first item.
        ///
        /// The body sees globals as it leaves them; what it is to use is better a `state:` of the map. If it throws, exits or crashes, the map fails at once.
        public var setUp: (@Sendable () throws -> Void)?

        /// Runs in each worker after its last item, unless the worker crashed or was killed.
        public var tearDown: (@Sendable () -> Void)?

        /// The most bytes of private memory that each worker may add to what it started with; nil for no limit.
        ///
        /// The system refuses requests beyond it (`RLIMIT_DATA`), which ends a Swift body, and the item fails as
        /// `memoryLimitExceeded`. Shared memory, such as results, does not count, nor does free memory that the
        /// allocator already had; the stacks of threads that a body starts count.
        public var memoryLimit: Int?

        /// The most processor time for each worker, over all its items; nil for no limit.
        ///
        /// A worker that uses more is killed, and its current item fails as `cpuTimeLimitExceeded`. With
        /// `itemsPerWorker` 1 and a fixed chunk of 1 it is a limit for each item.
        public var cpuTimeLimit: Duration?

        /// Whether to bind each worker to one of the processors of this process, in turn.
        public var pinning: Bool

        /// How much to raise the niceness of workers, from 0 to 19, in favour of other processes.
        public var niceness: Int

        /// Gets the progress of a map or a stream, at most ten times a second and once at its end.
        ///
        /// It runs in this process, on a thread that waits for the workers, so it should return soon. For a stream it is the
        /// thread or task that reads it, between two elements; a stream that is left early has no last call.
        public var progress: (@Sendable (Progress) -> Void)?

        /// The name of workers in `ps`, followed by the worker's number; nil for the name of the program.
        ///
        /// The kernel keeps 15 bytes of it.
        public var name: String?

        /// Whether a worker that crashes may leave a core dump, as far as the limits of this process allow one.
        ///
        /// By default it leaves none: a core of a forked worker has all that this process had in its memory, secrets
        /// included. The failure has the signal and the runtime's message in any case.
        public var dumpsCore: Bool

        /// Which process decides about a signal that is sent to a whole group, such as SIGTERM.
        public var signals: Signals

        /// The most maps, or calls of a resident pool, that may wait for a worker; nil for no limit.
        ///
        /// A map of a `ForkPool` waits until the pool has a worker for it; a call or map of a resident pool waits from its
        /// submission until a worker takes it up. With 0 a call is accepted only when a worker is free. `whenFull` says what
        /// happens to more of them. Streams have their window instead.
        public var maxPending: Int?

        /// What a map or call does when `maxPending` others wait.
        public var whenFull: WhenFull

        /// What the generators of workers and items start from; nil for another seed in each map and each resident pool.
        ///
        /// With a seed a run can be repeated: the numbers of `ForkPool.Worker.itemGenerator` then depend on nothing but the
        /// seed and the item. <doc:Randomness> says how.
        public var seed: UInt64?

        /// The number of this host in a cluster, which keeps the seeds of workers of several hosts apart.
        package var host = 0

        /// Creates options; each parameter sets the property of its name.
        ///
        /// - Precondition: `warmMemory`, `retries`, `retryPause` and `maxPending` are at least 0, `itemsPerWorker` and
        ///   `memoryLimit` at least 1, `timeout` and `cpuTimeLimit` at least a nanosecond, `niceness` from 0 to 19.
        public init(
            chunk: Chunk = .automatic, warmMemory: Int = 256 << 20, refusesThreads: Bool = false,
            timeout: Duration? = nil, retries: Int? = nil, retryReasons: RetryReasons = .all,
            retryPause: Duration = .zero, restartIntensity: RestartIntensity? = nil, itemsPerWorker: Int? = nil,
            setUp: (@Sendable () throws -> Void)? = nil, tearDown: (@Sendable () -> Void)? = nil,
            memoryLimit: Int? = nil, cpuTimeLimit: Duration? = nil, pinning: Bool = false, niceness: Int = 0,
            progress: (@Sendable (Progress) -> Void)? = nil, name: String? = nil, dumpsCore: Bool = false,
            signals: Signals = .perProcess, maxPending: Int? = nil, whenFull: WhenFull = .wait,
            seed: UInt64? = nil
        ) {
            self.chunk = chunk
            self.warmMemory = warmMemory
            self.refusesThreads = refusesThreads
            self.timeout = timeout
            self.retries = retries
            self.retryReasons = retryReasons
            self.retryPause = retryPause
            self.restartIntensity = restartIntensity
            self.itemsPerWorker = itemsPerWorker
            self.setUp = setUp
            self.tearDown = tearDown
            self.memoryLimit = memoryLimit
            self.cpuTimeLimit = cpuTimeLimit
            self.pinning = pinning
            self.niceness = niceness
            self.progress = progress
            self.name = name
            self.dumpsCore = dumpsCore
            self.signals = signals
            self.maxPending = maxPending
            self.whenFull = whenFull
            self.seed = seed
            check()
        }

        /// Traps if an option is out of range; options can also be changed after `init`.
        func check() {
            require(warmMemory >= 0, "warmMemory must be at least 0 bytes, not \(warmMemory)")
            require(
                (timeout ?? .seconds(1)).nanoseconds > 0,
                "timeout must be at least a nanosecond, not \(timeout ?? .zero)")
            require(retries ?? 0 >= 0, "retries must be at least 0, not \(retries ?? 0)")
            require(retryPause >= .zero, "retryPause must be at least zero, not \(retryPause)")
            require(itemsPerWorker ?? 1 >= 1, "itemsPerWorker must be at least 1, not \(itemsPerWorker ?? 1)")
            require(memoryLimit ?? 1 >= 1, "memoryLimit must be at least 1 byte, not \(memoryLimit ?? 1)")
            require(
                (cpuTimeLimit ?? .seconds(1)).nanoseconds > 0,
                "cpuTimeLimit must be at least a nanosecond, not \(cpuTimeLimit ?? .zero)")
            require(maxPending ?? 0 >= 0, "maxPending must be at least 0, not \(maxPending ?? 0)")
            require((0...19).contains(niceness), "niceness must be from 0 to 19, not \(niceness)")
        }

        /// The progress of a map or a stream.
        public struct Progress: Sendable, Equatable {
            /// The number of items that have a result or a failure; of a stream, those that its reader got.
            public let done: Int
            /// The number of all items; of a stream over a sequence, whose number is unknown, those that it took so far.
            public let total: Int

            package init(done: Int, total: Int) {
                self.done = done
                self.total = total
            }
        }
    }
}
