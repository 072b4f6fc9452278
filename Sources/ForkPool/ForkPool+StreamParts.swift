// SPDX-License-Identifier: Apache-2.0
extension ForkPool {
    /// Makes a stream over a collection, which passes the numbers of items to workers.
    @usableFromInline
    func streamCollection<C: Collection, R>(
        _ items: C, _ order: Order, _ window: Int?, _ output: WireFormat<R>, _ body: @escaping BatchBody,
        _ state: WorkerState? = nil
    ) -> Stream<R> {
        streamSequence(0..<items.count, order, window, .plain, output, body, state)
    }

    /// Makes a body that gets the numbers of items; each worker has its own cursor in the collection.
    @_alwaysEmitIntoClient
    func byNumber<C: Collection, R>(
        _ items: C, _ body: @escaping (C.Element) throws -> R
    ) -> (Int) throws -> R {
        var cursor = CollectionCursor(items)
        return { number in
            cursor.move(to: number, in: items)
            return try body(items[cursor.index])
        }
    }

    /// Makes a stream over a sequence, which copies items to workers.
    @inlinable
    func streamSequence<S: Sequence, R>(
        _ items: S, _ order: Order, _ window: Int?, _ input: WireFormat<S.Element>, _ output: WireFormat<R>,
        _ body: @escaping BatchBody, _ state: WorkerState? = nil
    ) -> Stream<R> {
        streamItems(StreamItems(items), order, window, input, output, body, state)
    }

    @usableFromInline
    func streamItems<I, R>(
        _ items: StreamItems<I>, _ order: Order, _ window: Int?, _ input: WireFormat<I>, _ output: WireFormat<R>,
        _ body: @escaping BatchBody, _ state: WorkerState?
    ) -> Stream<R> {
        Stream(window: window) { [self] () throws(Failure) in
            let resident = try makeResident(input, output, body, state)
            return .init(state: resident.streamState(items, order: order, window: window), owned: resident)
        }
    }

    /// Makes a stream over an asynchronous sequence, which copies items to workers.
    func streamAsync<S: AsyncSequence & SendableMetatype, R>(
        _ items: sending S, _ order: Order, _ window: Int?, _ input: WireFormat<S.Element>, _ output: WireFormat<R>,
        _ body: @escaping BatchBody, _ state: WorkerState? = nil
    ) -> Stream<R> {
        nonisolated(unsafe) let items = items
        return Stream(window: window) { [self] () throws(Failure) in
            let resident = try makeResident(input, output, body, state)
            return unsafe resident.streamParts(items, order: order, window: window, owned: resident)
        }
    }
}
