internal import Synchronization

extension ForkPool {
    /// The order in which a stream gives its results.
    public enum Order: Sendable {
        /// In the order of the input.
        case input
        /// In the order of completion.
        case completion
    }

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

/// Shared by all copies of an iterator: when the last copy is released, the loop was left, and the stream ends.
final class StreamLoop<Output> {
    let reader: StreamReader<Output>

    init(_ reader: StreamReader<Output>) {
        self.reader = reader
    }

    deinit {
        reader.leave()
    }
}

/// Shared by all iterators of a stream: it starts with the first read, and ends with the last iterator.
final class StreamReader<Output> {
    /// The parts of a running stream.
    struct Parts {
        let state: StreamState<Output>
        /// The resident pool, if the stream owns it.
        var owned: (any Endable)?
        /// The task that feeds the inputs of an asynchronous source.
        var feeder: Task<Void, Never>?
    }

    private enum Phase {
        case unread(() throws(ForkPool.Failure) -> Parts)
        case reading(Parts)
        case over
    }

    private var phase: Phase

    init(_ start: @escaping () throws(ForkPool.Failure) -> Parts) {
        phase = .unread(start)
    }

    deinit {
        stop()
    }

    func next() -> StreamState<Output>.Element? {
        switch begin() {
        case .failure(let failure): return (0, .failure(failure.at(0)))
        case .success(nil): return nil
        case .success(let parts?):
            if let element = parts.state.next() { return element }
            parts.feeder?.cancel()
            phase = .over
            parts.owned?.close()
            return nil
        }
    }

    nonisolated(nonsending) func next() async -> StreamState<Output>.Element? {
        switch begin() {
        case .failure(let failure): return (0, .failure(failure.at(0)))
        case .success(nil): return nil
        case .success(let parts?):
            if let element = await parts.state.next() { return element }
            parts.feeder?.cancel()
            phase = .over
            guard let owned = parts.owned else { return nil }
            // Wait for the end of the workers on a thread outside of the cooperative pool.
            _ = await BlockingThread.run { _ in owned.close() }
            return nil
        }
    }

    /// Ends the stream if it has started.
    func leave() {
        if case .reading = phase { stop() }
    }

    /// Ends the stream and everything in flight.
    func stop() {
        if case .reading(let parts) = phase {
            parts.feeder?.cancel()
            parts.state.stop()
            parts.owned?.cancel()
        }
        phase = .over
    }

    private func begin() -> Result<Parts?, ForkPool.Failure> {
        switch phase {
        case .unread(let start):
            do throws(ForkPool.Failure) {
                let parts = try start()
                phase = .reading(parts)
                return .success(parts)
            } catch {
                phase = .over
                return .failure(error)
            }
        case .reading(let parts): return .success(parts)
        case .over: return .success(nil)
        }
    }
}
