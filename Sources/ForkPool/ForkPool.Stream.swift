// SPDX-License-Identifier: Apache-2.0
extension ForkPool {
    /// A stream of results, which can be read while workers compute others.
    ///
    /// As a `Sequence`, its elements are pairs of an index and a `Result`: a failure is an element, and the stream goes
    /// on. As an `AsyncSequence`, its elements are pairs of an index and a result, and a failure is thrown and ends the
    /// loop. In async code, `results` gives failures as elements; in other code, `forEach` throws them.
    ///
    /// ```swift
    /// let pool = ForkPool()
    /// for try await (index, sum) in pool.stream([(1, 2), (3, 4)], order: .completion, { x, y in x + y }) {
    ///     print(index, sum)
    /// }
    /// ```
    ///
    /// A window limits the items in flight, so that an endless input with a slow reader takes constant memory. Leaving
    /// the loop ends the stream. A stream can be read once, by one reader.
    public struct Stream<Output>: Sequence, AsyncSequence {
        /// A pair of an index in the input and its result or failure.
        @_implements(Sequence,Element)
        public typealias SequenceElement = (index: Int, result: Result<Output, Failure>)
        /// A pair of an index in the input and its result.
        @_implements(AsyncSequence,Element)
        public typealias AsyncElement = (index: Int, output: Output)
        /// The error that reading throws.
        public typealias Failure = ForkPool.Failure

        let reader: StreamReader<Output>

        /// Starts reading; the iterator blocks the calling thread while there is no result.
        ///
        /// - Returns: The iterator.
        @available(*, noasync, message: "this loop blocks the thread; use for try await, or for await over results")
        public func makeIterator() -> Iterator { Iterator(loop: StreamLoop(reader)) }

        /// Starts reading from async code.
        ///
        /// - Returns: The iterator.
        public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(loop: StreamLoop(reader)) }

        /// The stream for async code, with failures as elements.
        public var results: Results { Results(reader: reader) }

        /// Runs a closure on each result; blocks the calling thread.
        ///
        /// - Parameter body: Gets an index and its result.
        /// - Throws: The first `Failure`, or an error of `body`; the stream ends then.
        @available(*, noasync, message: "forEach blocks the thread; use for try await")
        public func forEach(_ body: (_ index: Int, _ output: Output) throws -> Void) throws {
            while let (index, result) = reader.next() {
                do {
                    try body(index, try result.get())
                } catch {
                    reader.stop()
                    throw error
                }
            }
        }

        /// An iterator over results and failures.
        public struct Iterator: IteratorProtocol {
            let loop: StreamLoop<Output>

            /// Returns the next result or failure; nil at the end.
            ///
            /// - Returns: The index in the input, and its result or failure.
            public mutating func next() -> SequenceElement? { loop.reader.next() }
        }

        /// An iterator over results.
        public struct AsyncIterator: AsyncIteratorProtocol {
            let loop: StreamLoop<Output>

            /// Returns the next result; nil at the end.
            ///
            /// - Parameter actor: The isolation of the caller.
            /// - Returns: The index in the input and its result.
            /// - Throws: The failure of the item, which ends the stream; `cancelled` in a cancelled task.
            public mutating func next(
                isolation actor: isolated (any Actor)? = #isolation
            ) async throws(ForkPool.Failure) -> AsyncElement? {
                guard let (index, result) = await loop.reader.next() else { return nil }
                switch result {
                case .success(let output): return (index, output)
                case .failure(let failure):
                    loop.reader.stop()
                    throw failure
                }
            }
        }

        /// The results and failures of a stream, for async code.
        public struct Results: AsyncSequence {
            /// A pair of an index in the input and its result or failure.
            public typealias Element = SequenceElement
            /// Reading throws nothing.
            public typealias Failure = Never
            let reader: StreamReader<Output>

            /// Starts reading.
            ///
            /// - Returns: The iterator.
            public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(loop: StreamLoop(reader)) }

            /// An iterator over results and failures.
            public struct AsyncIterator: AsyncIteratorProtocol {
                let loop: StreamLoop<Output>

                /// Returns the next result or failure; nil at the end.
                ///
                /// - Parameter actor: The isolation of the caller.
                /// - Returns: The index in the input and its outcome; in a cancelled task the last element is the
                ///   failure `cancelled`.
                public mutating func next(
                    isolation actor: isolated (any Actor)? = #isolation
                ) async -> Element? { await loop.reader.next() }
            }
        }
    }
}

@available(*, unavailable)
extension ForkPool.Stream: Sendable {}

extension ForkPool.Stream {
    init(window: Int?, _ makeParts: @escaping () throws(ForkPool.Failure) -> StreamReader<Output>.Parts) {
        require(window ?? 1 >= 1, "a window must be at least 1 item, not \(window ?? 1)")
        reader = StreamReader(makeParts)
    }
}
