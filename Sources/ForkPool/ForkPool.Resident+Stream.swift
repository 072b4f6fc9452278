extension ForkPool.Resident {
    /// Applies the body to every item of a sequence, and gives each result when it is there.
    ///
    /// The sequence may be endless: it is asked for items as the window has room, by whoever reads the stream.
    ///
    /// - Parameters:
    ///   - items: The input; each item is copied once, into shared memory.
    ///   - order: In which order results come.
    ///   - window: The most items in flight, from being taken to being read; as many as keep the workers busy by default.
    /// - Returns: The results, as a `Sequence` and as an `AsyncSequence`; reading begins the work. Each failure comes with
    ///   its index.
    /// - Precondition: `window` is at least 1.
    public func stream<S: Sequence>(
        _ items: S, order: ForkPool.Order = .input, window: Int? = nil
    ) -> ForkPool.Stream<Output> where S.Element == Input {
        checkWindow(window)
        return ForkPool.Stream(
            reader: StreamReader { [self] () throws(ForkPool.Failure) in
                .init(state: streamState(items, order: order, window: window))
            })
    }

    /// Applies the body to every item of an asynchronous sequence, and gives each result when it is there.
    ///
    /// The sequence is read by a task of its own, as the window has room.
    ///
    /// - Parameters:
    ///   - items: The input; each item is copied once, into shared memory. What it throws is the last element's failure.
    ///   - order: In which order results come.
    ///   - window: The most items in flight, from being taken to being read; as many as keep the workers busy by default.
    /// - Returns: The results, as a `Sequence` and as an `AsyncSequence`; reading begins the work.
    /// - Precondition: `window` is at least 1.
    public func stream<S: AsyncSequence & SendableMetatype>(
        _ items: sending S, order: ForkPool.Order = .input, window: Int? = nil
    ) -> ForkPool.Stream<Output> where S.Element == Input {
        checkWindow(window)
        nonisolated(unsafe) let items = items
        return ForkPool.Stream(
            reader: StreamReader { [self] () throws(ForkPool.Failure) in
                unsafe streamParts(items, order: order, window: window, owned: nil)
            })
    }
}

/// A value that one task hands over to another.
@unsafe struct Handed<Value>: @unchecked Sendable {
    let value: Value

    init(_ value: Value) {
        unsafe self.value = value
    }
}

/// What a stream ends when it ends, if it is its own.
protocol Endable: AnyObject, Sendable {
    /// Ends it in peace, or at once.
    func close()
    func cancel()
}

extension ForkPool.Resident: Endable {}

func checkWindow(_ window: Int?) {
    precondition(window ?? 1 >= 1, "ForkPool: a window must be at least 1 item, not \(window ?? 1)")
}

extension ForkPool.Resident {
    /// A stream over a sequence that is pulled by the reader.
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

    /// A stream over an asynchronous sequence, and the task that brings its items.
    func streamParts<S: AsyncSequence & SendableMetatype>(
        _ items: S, order: ForkPool.Order, window: Int?, owned: (any Endable)?
    ) -> StreamReader<Output>.Parts where S.Element == Input {
        let state = StreamState(pool: pool, output: output, order: order, window: window, feed: nil)
        // The source is the task's alone from here on: nobody else has it.
        let handed = unsafe Handed(items)
        let feeder = Task { unsafe await self.feed(handed.value, to: state) }
        return .init(state: state, owned: owned, feeder: feeder)
    }

    /// Brings the items of an asynchronous sequence to a stream, as there is room for them.
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
        let batch = try pool.makeBatch(
            Batch.Shape(
                count: items.count, inputStride: input.stride, slotStride: output.stride, stopsAtFailure: false,
                signalsItems: true))
        for (number, item) in items.enumerated() { input.write(item, number, into: batch) }
        return batch
    }
}
