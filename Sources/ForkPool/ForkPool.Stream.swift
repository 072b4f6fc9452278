// SPDX-License-Identifier: Apache-2.0
extension ForkPool {
    /// A stream of results, which can be read while workers compute others.
    ///
    /// There are two ways to read it, each in async code and in other code:
    ///
    /// | | async code | other code |
    /// |---|---|---|
    /// | `(index, output)`; a failure is thrown, and ends the loop | `for try await (index, output) in stream` | `try stream.forEach { index, output in … }` |
    /// | `(index, result)`; a failure is an element, and the loop goes on | `for await (index, result) in stream.results` | `for (index, result) in stream.results` |
    ///
    /// ```swift
    /// let pool = ForkPool()
    /// for try await (index, sum) in pool.stream([(1, 2), (3, 4)], order: .completion, { x, y in x + y }) {
    ///     print(index, sum)
    /// }
    /// ```
    ///
    /// In other code `for (index, result) in stream` is the same as the loop over `stream.results`: prefer that name, which
    /// gives the same elements in async code.
    ///
    /// A stream can be read once, by one loop. A second loop, also beside the first one or after it was left, gets one
    /// failure with the code `closed` and nothing else. Leaving the loop ends the stream.
    ///
    /// A window limits the items in flight, from taking an item to reading its result, so that an endless input with a
    /// slow reader takes constant memory. By default it is as many as keep the workers busy: at first 8 items a worker;
    /// while items are short, 8 times as many as are delivered in 0.1 ms, 16 384 at most; and while items or results are
    /// large, those that take 512 KiB a worker, or two items a worker. Workers get short items in batches; items that
    /// come one by one, or take long, are handed over one by one. Of an asynchronous sequence no item waits while a
    /// worker is free. While more than 4 items are delivered in 0.1 ms, a result may wait for others for some 0.1 ms.
    ///
    /// `Options.progress` is called by the thread or task that reads the stream, between two elements, and when the
    /// loop ends by itself or throws. <doc:Streams> has the costs.
    public struct Stream<Output>: Sequence, AsyncSequence {
        /// A pair of an index in the input and its result or failure.
        @_implements(Sequence,Element)
        public typealias SequenceElement = (index: Int, result: Result<Output, Failure>)
        /// A pair of an index in the input and its result.
        @_implements(AsyncSequence,Element)
        public typealias AsyncElement = (index: Int, output: Output)
        /// The error that reading throws.
        public typealias Failure = ForkPool.Failure

        @usableFromInline let reader: StreamReader<Output>

        /// Starts reading; the iterator blocks the calling thread while there is no result.
        ///
        /// - Returns: The iterator.
        @available(*, noasync, message: "this loop blocks the thread; use for try await, or for await over results")
        public func makeIterator() -> Iterator { Iterator(loop: StreamLoop(reader)) }

        /// Starts reading from async code.
        ///
        /// - Returns: The iterator.
        public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(loop: StreamLoop(reader)) }

        /// The stream with failures as elements, for async code and for other code.
        public var results: Results { Results(reader: reader) }

        /// Runs a closure on each result; blocks the calling thread.
        ///
        /// - Parameter body: Gets an index and its result.
        /// - Throws: The first `Failure`, or an error of `body`; the stream ends then.
        @available(*, noasync, message: "forEach blocks the thread; use for try await")
        @_alwaysEmitIntoClient
        public func forEach(_ body: (_ index: Int, _ output: Output) throws -> Void) throws {
            let loop = makeIterator().loop
            do {
                while true {
                    while let (index, output) = loop.run.take() { try body(index, output) }
                    guard let (index, result) = loop.next() else { return }
                    try body(index, try result.get())
                }
            } catch {
                loop.fail()
                throw error
            }
        }

        /// An iterator over results and failures.
        public struct Iterator: IteratorProtocol {
            @usableFromInline let loop: StreamLoop<Output>

            /// Returns the next result or failure; nil at the end.
            ///
            /// - Returns: The index in the input, and its result or failure.
            @_alwaysEmitIntoClient
            public mutating func next() -> SequenceElement? {
                if let (index, output) = loop.run.take() { return (index, .success(output)) }
                return loop.next()
            }
        }

        /// An iterator over results.
        public struct AsyncIterator: AsyncIteratorProtocol {
            @usableFromInline let loop: StreamLoop<Output>

            /// Returns the next result; nil at the end.
            ///
            /// - Parameter actor: The isolation of the caller.
            /// - Returns: The index in the input and its result.
            /// - Throws: The failure of the item, which ends the stream; `cancelled` in a cancelled task; `closed` if the
            ///   stream was read before.
            @_alwaysEmitIntoClient @inline(__always)
            public mutating func next(
                isolation actor: isolated (any Actor)? = #isolation
            ) async throws(ForkPool.Failure) -> AsyncElement? {
                if !Task.isCancelled, let (index, output) = loop.run.take() { return (index, output) }
                guard let (index, result) = await loop.next() else { return nil }
                switch result {
                case .success(let output): return (index, output)
                case .failure(let failure):
                    loop.fail()
                    throw failure
                }
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
