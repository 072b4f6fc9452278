internal import Synchronization

extension ForkPool {
    /// In which order a stream gives its results.
    public enum Order: Sendable {
        /// In the order of the input.
        case input
        /// As they come, each with its index.
        case completion
    }

    /// Results one after the other, while others are still being made.
    ///
    /// As a `Sequence` its elements are pairs of an index and a `Result`: a failure is an element, and costs its item alone.
    /// As an `AsyncSequence` they are pairs of an index and a result, and a failure is thrown and ends the loop;
    /// `results` gives async code the failures as elements, and `forEach` sync code the failures thrown.
    ///
    /// ```swift
    /// let pool = ForkPool()
    /// for try await (index, sum) in pool.stream([(1, 2), (3, 4)], order: .completion, { x, y in x + y }) {
    ///     print(index, sum)
    /// }
    /// ```
    ///
    /// A window bounds what is in flight, so that an endless input with a slow reader takes constant memory. Leaving the
    /// loop ends the rest. A stream is read once, by one reader: what one loop took is not there for the next.
    public struct Stream<Output>: Sequence, AsyncSequence {
        /// A pair of an index in the input and its outcome.
        @_implements(Sequence,Element)
        public typealias SequenceElement = (index: Int, result: Result<Output, Failure>)
        /// A pair of an index in the input and its result.
        @_implements(AsyncSequence,Element)
        public typealias AsyncElement = (index: Int, output: Output)
        /// What reading throws.
        public typealias Failure = ForkPool.Failure

        let reader: StreamReader<Output>

        /// Begins to read; blocks the calling thread while there is nothing to be read.
        ///
        /// - Returns: The iterator.
        public func makeIterator() -> Iterator { Iterator(loop: StreamLoop(reader)) }

        /// Begins to read from async code.
        ///
        /// - Returns: The iterator.
        public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(loop: StreamLoop(reader)) }

        /// The stream for async code, with failures as elements.
        public var results: Results { Results(reader: reader) }

        /// Runs a closure on each result; blocks the calling thread.
        ///
        /// - Parameter body: Gets the index and the result.
        /// - Throws: The first `Failure` that is met, after which the rest is ended; or what `body` throws.
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

        /// An iterator whose elements are outcomes.
        public struct Iterator: IteratorProtocol {
            let loop: StreamLoop<Output>

            /// The next outcome; nil at the end.
            ///
            /// - Returns: The index in the input and its outcome.
            public mutating func next() -> SequenceElement? { loop.reader.next() }
        }

        /// An iterator whose elements are results.
        public struct AsyncIterator: AsyncIteratorProtocol {
            let loop: StreamLoop<Output>

            /// The next result; nil at the end.
            ///
            /// - Parameter actor: Where the caller is.
            /// - Returns: The index in the input and its result.
            /// - Throws: The failure of the item, after which the rest is ended; `cancelled` in a cancelled task.
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

        /// The outcomes of a stream, for async code.
        public struct Results: AsyncSequence {
            /// A pair of an index in the input and its outcome.
            public typealias Element = SequenceElement
            /// Nothing is thrown.
            public typealias Failure = Never
            let reader: StreamReader<Output>

            /// Begins to read.
            ///
            /// - Returns: The iterator.
            public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(loop: StreamLoop(reader)) }

            /// An iterator whose elements are outcomes.
            public struct AsyncIterator: AsyncIteratorProtocol {
                let loop: StreamLoop<Output>

                /// The next outcome; nil at the end.
                ///
                /// - Parameter actor: Where the caller is.
                /// - Returns: The index in the input and its outcome; that of a cancelled task is its failure, and the last.
                public mutating func next(
                    isolation actor: isolated (any Actor)? = #isolation
                ) async -> Element? { await loop.reader.next() }
            }
        }
    }
}

@available(*, unavailable)
extension ForkPool.Stream: Sendable {}

/// What the copies of an iterator share: with the last of them a loop was left, and the stream that it had begun ends.
final class StreamLoop<Output> {
    let reader: StreamReader<Output>

    init(_ reader: StreamReader<Output>) {
        self.reader = reader
    }

    deinit {
        reader.leave()
    }
}

/// What the iterators of a stream share: it begins with the first read, and ends with the last of them.
final class StreamReader<Output> {
    /// Everything that a stream has while it runs.
    struct Parts {
        let state: StreamState<Output>
        /// The workers, if they are the stream's own.
        var owned: (any Endable)?
        /// Brings the inputs of an asynchronous source.
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
            // The thread that waits for the workers' ends is not one of the cooperative pool.
            _ = await WatchThread.run { _ in
                owned.close()
                return .success(())
            }
            return nil
        }
    }

    /// Ends the stream if it was begun.
    func leave() {
        if case .reading = phase { stop() }
    }

    /// Ends the stream, with whatever is in flight.
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
