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
    @inlinable
    public func stream<S: Sequence>(
        _ items: S, order: ForkPool.Order = .input, window: Int? = nil
    ) -> ForkPool.Stream<Output> where S.Element == Input {
        stream(StreamItems(items), order, window)
    }

    @usableFromInline
    func stream(_ items: StreamItems<Input>, _ order: ForkPool.Order, _ window: Int?) -> ForkPool.Stream<Output> {
        ForkPool.Stream(window: window) { [self] () throws(ForkPool.Failure) in
            .init(state: streamState(items, order: order, window: window))
        }
    }

    /// Applies the body to every item of an asynchronous sequence, and streams the results.
    ///
    /// A separate task reads the sequence while the window has room.
    ///
    /// - Parameters:
    ///   - items: The input; each item is copied once, into shared memory. If the sequence throws, the last element is a
    ///     failure with that error, as `sourceError` and `thrown`, after the results of all items before it.
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
    func streamState(_ items: StreamItems<Input>, order: ForkPool.Order, window: Int?) -> StreamState<Output> {
        let take = items.begin()
        var taken: [Input] = []
        return StreamState(
            pool: pool, output: output, order: order, window: window,
            total: pool.options.progress == nil ? nil : items.count(),
            source: .pulled { [self] most throws(ForkPool.Failure) in
                // The array serves every portion; its items are not kept until the next one.
                defer { taken.removeAll(keepingCapacity: true) }
                take(most, &taken)
                return taken.isEmpty ? nil : try makeStreamBatch(taken)
            },
            job: owner.job)
    }

    /// Makes the state of a stream over an asynchronous sequence, and the task that feeds it.
    func streamParts<S: AsyncSequence & SendableMetatype>(
        _ items: sending S, order: ForkPool.Order, window: Int?, owned: (any ResidentPool)?
    ) -> StreamReader<Output>.Parts where S.Element == Input {
        let collected = CollectedInputs<Input>()
        let state = StreamState(
            pool: pool, output: output, order: order, window: window, total: nil,
            source: .pushed { [self] _ throws(ForkPool.Failure) in try makeStreamBatch(collected.takeAll()) },
            job: owner.job)
        pool.locked { $0.collectors.append(state) }
        // From here on only the task uses the source.
        let feeder = Task { await Self.feed(items, to: state, through: collected) }
        return .init(state: state, owned: owned, feeder: feeder)
    }

    /// Feeds the items of an asynchronous sequence to a stream while it has room; keeps the stream, and not the pool.
    private static func feed<S: AsyncSequence>(
        _ items: S, to state: StreamState<Output>, through collected: CollectedInputs<Input>
    ) async where S.Element == Input {
        do {
            var iterator = items.makeAsyncIterator()
            var hasRoom = false
            while true {
                // No call that suspends for each item: it costs as much as a short item.
                if !hasRoom { hasRoom = await state.hasRoom() }
                guard hasRoom, let item = try await iterator.next() else { break }
                hasRoom = state.add { collected.items.append(item) }
            }
            state.finish(nil)
        } catch {
            state.finish(.noInput(error))
        }
    }

    private func makeStreamBatch(_ items: [Input]) throws(ForkPool.Failure) -> Batch {
        let batch = try makeBatch(items.count, signalsItems: true)
        if input.isPlain {
            unsafe items.withUnsafeBufferPointer { items in
                unsafe batch.inputs.assumingMemoryBound(to: Input.self)
                    .initialize(from: items.baseAddress!, count: items.count)
            }
        } else {
            for number in items.indices { input.write(items[number], number, into: batch) }
        }
        return batch
    }
}

/// What the feeder of a stream has collected; the lock of the stream's contents guards it.
private final class CollectedInputs<Input>: @unchecked Sendable {
    var items: [Input] = []

    func takeAll() -> [Input] { exchange(&items, with: []) }
}

extension ForkPool.Resident: ResidentPool {}
