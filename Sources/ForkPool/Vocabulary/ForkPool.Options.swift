extension ForkPool {
    /// How a pool schedules its items and keeps its memory.
    public struct Options: Sendable {
        /// How many items a worker claims at once.
        public struct Chunk: Sendable, Equatable {
            /// The fixed number of items, or nil.
            let size: Int?

            /// A number that follows the items' durations: one while items take long, more while they are short, and fewer
            /// toward the end.
            public static let automatic = Chunk(size: nil)

            /// Always the same number, except in the last chunk.
            ///
            /// - Parameter size: The number of items.
            /// - Returns: The choice.
            /// - Precondition: `size` is at least 1.
            public static func fixed(_ size: Int) -> Chunk {
                precondition(size >= 1, "ForkPool: a chunk must be at least 1 item, not \(size)")
                return Chunk(size: size)
            }
        }

        /// How many items a worker claims at once.
        public var chunk: Chunk

        /// The shared memory in bytes that the pool keeps committed between maps; it gives the rest back to the system.
        ///
        /// The main cost of big results is the first touch of each page, so a pool that keeps its pages maps faster.
        public var warmMemory: Int

        /// Whether a map fails in a process that has other threads, instead of forking beside them.
        ///
        /// The documentation has a table of what is safe in a body then. Test runners and asynchronous programs have
        /// threads of their own.
        public var refusesThreads: Bool

        /// How long a body may be on one item; nil for as long as it takes.
        ///
        /// The pool kills a worker that takes longer within some milliseconds, and the item fails as `timedOut`. The start of
        /// a worker, with `setUp`, does not count.
        public var timeout: Duration?

        /// How often an item runs again after its worker ended on it; nil for never, or twice after a proven deadlock.
        ///
        /// A worker that crashed, was killed, took too long or waits for ever began the item, and its effects outside of its
        /// own memory stay. With 0, no item ever begins twice.
        public var retries: Int?

        /// The events after which an item runs again, up to `retries` times.
        public var retryReasons: RetryReasons

        /// How long a worker pauses before an item runs again.
        ///
        /// The other items of the same claim wait with it.
        public var retryPause: Duration

        /// How often the pool may replace workers; nil for each time that an item ends one.
        ///
        /// A pool whose workers end more often fails its maps, and a resident pool ends. In any case, a map fails when 32
        /// workers in a row end before they reach an item.
        public var restartIntensity: RestartIntensity?

        /// The number of items after which a fresh worker replaces a worker; nil for never.
        ///
        /// Use it for a body that leaks or damages its process.
        public var itemsPerWorker: Int?

        /// Runs in each worker before its first item.
        ///
        /// The body sees the globals that it set. If it throws, exits or crashes, the map fails at once.
        public var setUp: (@Sendable () throws -> Void)?

        /// Runs in each worker after its last item, unless the worker crashed or was killed.
        public var tearDown: (@Sendable () -> Void)?

        /// How many bytes of private memory each worker may add to what it started with; nil for no limit.
        ///
        /// The system refuses a larger request (`RLIMIT_DATA`), which ends a Swift body, and the item fails as
        /// `memoryLimitExceeded`. Results and other shared memory do not count, nor does memory that the allocator had free
        /// already. The stacks of threads that a body starts count.
        public var memoryLimit: Int?

        /// How much processor time each worker may use, over all its items; nil for no limit.
        ///
        /// The system kills a worker that uses more, and its item fails as `cpuTimeLimitExceeded`. With `itemsPerWorker` at 1
        /// and a fixed chunk of 1, this is a limit for each item.
        public var cpuTimeLimit: Duration?

        /// Whether to bind each worker to one of the processors that this process may run on, in turn.
        public var pinning: Bool

        /// How much to raise each worker's niceness, from 0 to 19; a higher value yields to other processes.
        public var niceness: Int

        /// Receives a map's progress, at most ten times a second and once at its end.
        ///
        /// It runs in this process, on a thread that waits for the workers, so it should return soon.
        public var progress: (@Sendable (Progress) -> Void)?

        /// The name of each worker in `ps`, before its number; nil for the program's own name.
        ///
        /// The kernel keeps 15 bytes.
        public var name: String?

        /// Creates options.
        ///
        /// - Parameters:
        ///   - chunk: How many items a worker claims at once.
        ///   - warmMemory: Bytes kept committed between maps.
        ///   - refusesThreads: Whether a map fails in a process that has other threads.
        ///   - timeout: How long a body may be on one item.
        ///   - retries: How often an item runs again after its worker ended on it.
        ///   - retryReasons: The events after which an item runs again.
        ///   - retryPause: How long a worker pauses before that.
        ///   - restartIntensity: How often the pool may replace workers.
        ///   - itemsPerWorker: The number of items after which a worker is replaced.
        ///   - setUp: Runs in each worker before its first item.
        ///   - tearDown: Runs in each worker after its last item.
        ///   - memoryLimit: Bytes of private memory that each worker may add.
        ///   - cpuTimeLimit: Processor time that each worker may use.
        ///   - pinning: Whether to bind each worker to a processor.
        ///   - niceness: How much to raise each worker's niceness.
        ///   - progress: Receives a map's progress.
        ///   - name: The name of workers in `ps`.
        /// - Precondition: `warmMemory`, `retries` and `retryPause` are at least 0, `itemsPerWorker` and `memoryLimit` at least 1,
        ///   `timeout` and `cpuTimeLimit` at least a nanosecond, `niceness` from 0 to 19.
        public init(
            chunk: Chunk = .automatic, warmMemory: Int = 256 << 20, refusesThreads: Bool = false,
            timeout: Duration? = nil, retries: Int? = nil, retryReasons: RetryReasons = .all,
            retryPause: Duration = .zero, restartIntensity: RestartIntensity? = nil, itemsPerWorker: Int? = nil,
            setUp: (@Sendable () throws -> Void)? = nil, tearDown: (@Sendable () -> Void)? = nil,
            memoryLimit: Int? = nil, cpuTimeLimit: Duration? = nil, pinning: Bool = false, niceness: Int = 0,
            progress: (@Sendable (Progress) -> Void)? = nil, name: String? = nil
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
            check()
        }

        /// Traps if an option is out of range; it may have been set after `init`.
        func check() {
            func require(_ isTrue: Bool, _ text: @autoclosure () -> String) {
                precondition(isTrue, "ForkPool: \(text())")
            }
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
            require((0...19).contains(niceness), "niceness must be from 0 to 19, not \(niceness)")
        }

        /// How far a map is.
        public struct Progress: Sendable, Equatable {
            /// The items that have a result or a failure.
            public let done: Int
            /// All items.
            public let total: Int
        }
    }
}
