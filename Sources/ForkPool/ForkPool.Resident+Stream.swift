// SPDX-License-Identifier: Apache-2.0
extension ForkPool.Resident {
    /// Applies the body to every item of a sequence, and streams the results.
    ///
    /// The sequence may be endless: reading the stream takes items from it while the window has room.
    ///
    /// - Parameters:
    ///   - items: The input; each item is copied once, into shared memory.
    ///   - order: The order of the results.
    ///   - window: The most items in flight, from taking an item to reading its result; nil for as many as keep the
    ///     workers busy.
    /// - Returns: The results, as a `Sequence` and an `AsyncSequence`; the first read starts the work. Each failure has
    ///   its index.
    /// - Precondition: `window` is at least 1.
    public func stream<S: Sequence>(
        _ items: S, order: ForkPool.Order = .input, window: Int? = nil
    ) -> ForkPool.Stream<Output> where S.Element == Input {
        ForkPool.Stream(window: window) { [self] () throws(ForkPool.Failure) in
            .init(state: streamState(items, order: order, window: window))
        }
    }

    /// Applies the body to every item of an asynchronous sequence, and streams the results.
    ///
    /// A separate task reads the sequence while the window has room.
    ///
    /// - Parameters:
    ///   - items: The input; each item is copied once, into shared memory. If the sequence throws, the error is the
    ///     failure of the last element.
    ///   - order: The order of the results.
    ///   - window: The most items in flight, from taking an item to reading its result; nil for as many as keep the
    ///     workers busy.
    /// - Returns: The results, as a `Sequence` and an `AsyncSequence`; the first read starts the work.
    /// - Precondition: `window` is at least 1.
    public func stream<S: AsyncSequence & SendableMetatype>(
        _ items: sending S, order: ForkPool.Order = .input, window: Int? = nil
    ) -> ForkPool.Stream<Output> where S.Element == Input {
        nonisolated(unsafe) let items = items
        return ForkPool.Stream(window: window) { [self] () throws(ForkPool.Failure) in
            unsafe streamParts(items, order: order, window: window, owned: nil)
        }
    }
}

extension ForkPool.Resident {
    /// Makes the state of a stream whose reader pulls the items from a sequence.
    func streamState<S: Sequence>(
        _ items: S, order: ForkPool.Order, window: Int?
    ) -> StreamState<Output> where S.Element == Input {
        var iterator = items.makeIterator()
        return StreamState(pool: pool, output: output, order: order, window: window) {
            [self] most throws(ForkPool.Failure) in
            var taken: [Input] = []
            taken.reserveCapacity(most)
            while taken.count < most, let item = iterator.next() { taken.append(item) }
            return taken.isEmpty ? nil : try makeStreamBatch(taken)
        }
    }

    /// Makes the state of a stream over an asynchronous sequence, and the task that feeds it.
    func streamParts<S: AsyncSequence & SendableMetatype>(
        _ items: sending S, order: ForkPool.Order, window: Int?, owned: (any ResidentPool)?
    ) -> StreamReader<Output>.Parts where S.Element == Input {
        let state = StreamState(pool: pool, output: output, order: order, window: window, feed: nil)
        // From here on only the task uses the source.
        let feeder = Task { await self.feed(items, to: state) }
        return .init(state: state, owned: owned, feeder: feeder)
    }

    /// Feeds the items of an asynchronous sequence to a stream while it has room.
    private func feed<S: AsyncSequence>(
        _ items: S, to state: StreamState<Output>
    ) async where S.Element == Input {
        do {
            var iterator = items.makeAsyncIterator()
            while await state.hasRoom(), let item = try await iterator.next() {
                guard state.add({ () throws(ForkPool.Failure) in try self.makeStreamBatch([item]) }) else { return }
            }
            state.finish(nil)
        } catch {
            state.finish(.noInput(error))
        }
    }

    private func makeStreamBatch(_ items: [Input]) throws(ForkPool.Failure) -> Batch {
        let batch = try makeBatch(items.count, signalsItems: true)
        for (number, item) in items.enumerated() { input.write(item, number, into: batch) }
        return batch
    }
}

extension ForkPool.Resident: ResidentPool {}
