extension ForkPool {
    /// How a pool schedules its items and keeps its memory.
    public struct Options: Sendable, Equatable {
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

        /// Creates options.
        ///
        /// - Parameters:
        ///   - chunk: How many items a worker claims at once.
        ///   - warmMemory: Bytes kept committed between maps.
        ///   - refusesThreads: Whether forking beside other threads is a failure.
        public init(chunk: Chunk = .automatic, warmMemory: Int = 256 << 20, refusesThreads: Bool = false) {
            precondition(warmMemory >= 0, "ForkPool: warmMemory must be at least 0 bytes, not \(warmMemory)")
            self.chunk = chunk
            self.warmMemory = warmMemory
            self.refusesThreads = refusesThreads
        }
    }
}
