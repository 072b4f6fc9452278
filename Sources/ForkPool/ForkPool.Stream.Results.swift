// SPDX-License-Identifier: Apache-2.0
extension ForkPool.Stream {
    /// The results and failures of a stream: the same elements in async code and in other code.
    public struct Results: Sequence, AsyncSequence {
        /// A pair of an index in the input and its result or failure.
        public typealias Element = SequenceElement
        /// Reading throws nothing.
        public typealias Failure = Never

        let reader: StreamReader<Output>

        /// Starts reading; the iterator blocks the calling thread while there is no result.
        ///
        /// - Returns: The iterator.
        @available(*, noasync, message: "this loop blocks the thread; use for await")
        public func makeIterator() -> Iterator { Iterator(loop: StreamLoop(reader)) }

        /// Starts reading from async code.
        ///
        /// - Returns: The iterator.
        public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(loop: StreamLoop(reader)) }

        /// An iterator over results and failures, for async code.
        public struct AsyncIterator: AsyncIteratorProtocol {
            @usableFromInline let loop: StreamLoop<Output>

            /// Returns the next result or failure; nil at the end.
            ///
            /// - Parameter actor: The isolation of the caller.
            /// - Returns: The index in the input and its outcome; in a cancelled task the last element is the failure
            ///   `cancelled`, and the only one of a stream that was read before is the failure `closed`.
            @_alwaysEmitIntoClient @inline(__always)
            public mutating func next(isolation actor: isolated (any Actor)? = #isolation) async -> Element? {
                if !Task.isCancelled, let (index, output) = loop.run.take() { return (index, .success(output)) }
                return await loop.next()
            }
        }
    }
}
