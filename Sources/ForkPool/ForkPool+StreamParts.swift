// The common part of the pool's `stream` methods.

extension ForkPool {
    /// A stream over a collection; workers get the items' numbers.
    func streamCollection<C: Collection, R>(
        _ items: C, _ order: Order, _ window: Int?, _ output: WireFormat<R>, _ body: @escaping BatchBody
    ) -> Stream<R> {
        streamSequence(0..<items.count, order, window, .plain, output, body)
    }

    /// A body that runs `body` on the item with a number; each worker has its own cursor in the collection.
    func byNumber<C: Collection, R>(
        _ items: C, _ body: @escaping (C.Element) throws -> R
    ) -> (Int) throws -> R {
        var cursor = CollectionCursor(items)
        return { number in
            cursor.move(to: number, in: items)
            return try body(items[cursor.index])
        }
    }

    /// A stream over a sequence; workers get copies of the items.
    func streamSequence<S: Sequence, R>(
        _ items: S, _ order: Order, _ window: Int?, _ input: WireFormat<S.Element>, _ output: WireFormat<R>,
        _ body: @escaping BatchBody
    ) -> Stream<R> {
        checkWindow(window)
        return Stream(
            reader: StreamReader { [self] () throws(Failure) in
                let resident = try makeResident(input, output, body)
                return .init(
                    state: resident.streamState(items, order: order, window: window), owned: resident)
            })
    }

    /// A stream over an asynchronous sequence.
    func streamAsync<S: AsyncSequence & SendableMetatype, R>(
        _ items: sending S, _ order: Order, _ window: Int?, _ input: WireFormat<S.Element>, _ output: WireFormat<R>,
        _ body: @escaping BatchBody
    ) -> Stream<R> {
        checkWindow(window)
        nonisolated(unsafe) let items = items
        return Stream(
            reader: StreamReader { [self] () throws(Failure) in
                let resident = try makeResident(input, output, body)
                return unsafe resident.streamParts(items, order: order, window: window, owned: resident)
            })
    }
}
