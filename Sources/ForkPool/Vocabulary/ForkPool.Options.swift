extension ForkPool {
    /// How a pool schedules its items and keeps its memory.
    public struct Options: Sendable {
        /// How many items a worker claims at once.
        public struct Chunk: Sendable, Equatable {
            /// The fixed number of items, or nil.
            let size: Int?

            /// As many as the items' durations suggest: one while they take long, more when they are short, and
            /// fewer again toward the end.
            public static let automatic = Chunk(size: nil)

            /// Always the same number, but for the last.
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

        /// The shared memory in bytes that the pool keeps committed between maps; what is above goes back.
        ///
        /// The first touch of a page is what big results cost, so a pool that maps again is faster by it.
        public var warmMemory: Int

        /// Whether a map fails in a process that has other threads, instead of forking beside them.
        ///
        /// See the documentation's table of what is safe in a body then. Test runners and asynchronous programs
        /// have threads of their own.
        public var refusesThreads: Bool

        /// How long a body may be on one item; nil for as long as it takes.
        ///
        /// A worker that takes longer is killed within some milliseconds, and the item fails as `timedOut`. What a worker
        /// needs to start, `setUp` included, is not counted.
        public var timeout: Duration?

        /// How often an item is run again after it cost its worker; nil for never, but for a proven deadlock: that twice.
        ///
        /// A worker that crashed, was killed, took too long or waits for ever did begin the item, and what it did outside of its
        /// own memory stays done. With 0 no item ever begins twice, whatever happens.
        public var retries: Int?

        /// After what an item is run again, up to `retries` times.
        public var retryReasons: RetryReasons

        /// How long a worker rests before an item is run again.
        ///
        /// What it had claimed besides rests with it.
        public var retryPause: Duration

        /// How often workers may be replaced; nil for as often as items cost one.
        ///
        /// A pool whose workers end more often fails its maps, and a resident one ends. Whatever is set, a map
        /// fails when 32 workers in a row end before they reach an item.
        public var restartIntensity: RestartIntensity?

        /// After how many items a worker is replaced by a fresh one; nil for never.
        ///
        /// For a body that leaks or leaves its process worse than it found it.
        public var itemsPerWorker: Int?

        /// Runs in each worker before its first item.
        ///
        /// What it leaves in globals is there for the body. If it throws, exits or crashes, the
        /// map fails at once.
        public var setUp: (@Sendable () throws -> Void)?

        /// Runs in each worker after its last item, unless the worker crashed or was killed.
        public var tearDown: (@Sendable () -> Void)?

        /// How many bytes of private memory each worker may have beyond what it started with; nil for no limit.
        ///
        /// A request beyond that is refused (`RLIMIT_DATA`), which ends a Swift body, and the item fails as
        /// `memoryLimitExceeded`. Results and other shared memory do not count, nor does what an allocator already had and was
        /// free; the stacks of threads that a body starts do.
        public var memoryLimit: Int?

        /// How much processor time each worker may use, over all its items; nil for no limit.
        ///
        /// A worker that uses more is killed, and the item that it is on fails as `cpuTimeLimitExceeded`. With
        /// `itemsPerWorker` at 1 and a fixed chunk of 1 it is a limit for each item.
        public var cpuTimeLimit: Duration?

        /// Whether each worker is bound to one of the processors that this process may run on, in turn.
        public var pinning: Bool

        /// How much each worker's niceness is raised, from 0 to 19: how far it stands back for other processes.
        public var niceness: Int

        /// Hears how far a map is, at most ten times a second and once at its end.
        ///
        /// It runs in this process, on a thread that waits for the workers: it should return soon.
        public var progress: (@Sendable (Progress) -> Void)?

        /// What each worker is named in `ps`, with its number behind it; nil for the program's own name.
        ///
        /// The kernel keeps 15 bytes.
        public var name: String?

        /// Creates options.
        ///
        /// - Parameters:
        ///   - chunk: How many items a worker claims at once.
        ///   - warmMemory: Bytes kept committed between maps.
        ///   - refusesThreads: Whether forking beside other threads is a failure.
        ///   - timeout: How long a body may be on one item.
        ///   - retries: How often an item is run again after it cost its worker.
        ///   - retryReasons: After what an item is run again.
        ///   - retryPause: How long a worker rests before.
        ///   - restartIntensity: How often workers may be replaced.
        ///   - itemsPerWorker: After how many items a worker is replaced.
        ///   - setUp: Runs in each worker before its first item.
        ///   - tearDown: Runs in each worker after its last item.
        ///   - memoryLimit: Bytes of private memory that each worker may add.
        ///   - cpuTimeLimit: Processor time that each worker may use.
        ///   - pinning: Whether each worker is bound to a processor.
        ///   - niceness: How much each worker's niceness is raised.
        ///   - progress: Hears how far a map is.
        ///   - name: What workers are named in `ps`.
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

        /// Stops a program whose options make no sense; also those that were changed one by one.
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
            /// The items that have an outcome, failures included.
            public let done: Int
            /// All items.
            public let total: Int
        }
    }
}
