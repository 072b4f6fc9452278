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
    func streamState<S: Sequence>(
        _ items: S, order: ForkPool.Order, window: Int?
    ) -> StreamState<Output> where S.Element == Input {
        let total = pool.options.progress == nil ? nil : (items as? any Collection)?.count
        let source: StreamState<Output>.Source
        if input.isPlain, let numbers = items as? Range<Int> {
            // A loop of its own, compiled for its type: the numbers stand for the items of a collection.
            var first = numbers.lowerBound
            source = .pulled { [self] most throws(ForkPool.Failure) in
                guard first < numbers.upperBound else { return nil }
                let batch = try makeBatch(min(most, numbers.upperBound - first), signalsItems: true)
                let slots = unsafe batch.inputs.assumingMemoryBound(to: Int.self)
                for number in 0..<batch.shape.count { unsafe (slots + number).initialize(to: first + number) }
                first += batch.shape.count
                return batch
            }
        } else {
            var iterator = items.makeIterator()
            source = .pulled { [self] most throws(ForkPool.Failure) in
                let taken = take(atMost: most, from: &iterator)
                return taken.isEmpty ? nil : try makeStreamBatch(taken)
            }
        }
        return StreamState(
            pool: pool, output: output, order: order, window: window, total: total, source: source,
            job: owner.job)
    }

    private func take<I: IteratorProtocol>(atMost most: Int, from iterator: inout I) -> [Input]
    where I.Element == Input {
        var taken: [Input] = []
        taken.reserveCapacity(most)
        let end = monotonicNanoseconds() + Int(Pool.gatheringTime)
        while taken.count < most, let item = iterator.next() {
            taken.append(item)
            // A slow source must not keep workers, or the loop, waiting for a whole portion.
            if taken.count < most, monotonicNanoseconds() > end { break }
        }
        return taken
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
        for (number, item) in items.enumerated() { input.write(item, number, into: batch) }
        return batch
    }
}

/// What the feeder of a stream has collected; the lock of the stream's contents guards it.
private final class CollectedInputs<Input>: @unchecked Sendable {
    var items: [Input] = []

    func takeAll() -> [Input] { exchange(&items, with: []) }
}

extension ForkPool.Resident: ResidentPool {}
