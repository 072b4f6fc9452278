// What the pool's `stream` methods share.

extension ForkPool {
    /// A stream over a collection, whose items are named by their numbers.
    func streamCollection<C: Collection, R>(
        _ items: C, _ order: Order, _ window: Int?, _ output: WireFormat<R>, _ body: @escaping BatchBody
    ) -> Stream<R> {
        streamSequence(0..<items.count, order, window, .plain, output, body)
    }

    /// Runs a body on the item with a number.
    ///
    /// Each worker has a place in the collection of its own.
    func byNumber<C: Collection, R>(
        _ items: C, _ body: @escaping (C.Element) throws -> R
    ) -> (Int) throws -> R {
        var place = CollectionCursor(items)
        return { number in
            place.move(to: number, in: items)
            return try body(items[place.index])
        }
    }

    /// A stream over a sequence, whose items are carried.
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
