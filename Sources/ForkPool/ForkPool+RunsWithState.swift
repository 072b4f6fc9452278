// SPDX-License-Identifier: Apache-2.0

// What every map with a state does.

extension ForkPool {
    /// Maps to results that stay in shared memory, as bit patterns.
    @_alwaysEmitIntoClient @inline(__always)
    func stored<State: ~Copyable, C: Collection, R>(
        _ items: C, stopsAtFailure: Bool, _ make: () throws -> State, _ tearDown: (inout State) -> Void,
        _ body: (inout State, C.Element) throws -> R
    ) throws(Failure) -> MapResult {
        let box = StateBox<State>()
        var cursor = CollectionCursor(items)
        return try run(
            .init(of: R.self, items.count), stopsAtFailure: stopsAtFailure,
            state: { step in try box.take(step, make: make, tearDown: tearDown) },
            { range, writer, _ in
                storeResults(of: range, in: items, at: &cursor, writer) { unsafe try body(&box.place.pointee, $0) }
            })
    }

    @_alwaysEmitIntoClient @inline(__always)
    nonisolated(nonsending) func stored<State: ~Copyable, C: Collection, R>(
        _ items: C, stopsAtFailure: Bool, _ make: () throws -> State, _ tearDown: (inout State) -> Void,
        _ body: (inout State, C.Element) throws -> R
    ) async throws(Failure) -> MapResult {
        let box = StateBox<State>()
        var cursor = CollectionCursor(items)
        return try await run(
            .init(of: R.self, items.count), stopsAtFailure: stopsAtFailure,
            state: { step in try box.take(step, make: make, tearDown: tearDown) },
            { range, writer, _ in
                storeResults(of: range, in: items, at: &cursor, writer) { unsafe try body(&box.place.pointee, $0) }
            })
    }

    /// Maps to results that stay in shared memory, encoded.
    @_alwaysEmitIntoClient @inline(__always)
    func encoded<State: ~Copyable, C: Collection, R: Encodable>(
        _ items: C, stopsAtFailure: Bool, _ make: () throws -> State, _ tearDown: (inout State) -> Void,
        _ body: (inout State, C.Element) throws -> R
    ) throws(Failure) -> MapResult {
        let box = StateBox<State>()
        var cursor = CollectionCursor(items)
        return try run(
            .coded(R.self, items.count), stopsAtFailure: stopsAtFailure,
            state: { step in try box.take(step, make: make, tearDown: tearDown) },
            { range, writer, _ in
                encodeResults(of: range, in: items, at: &cursor, writer) { unsafe try body(&box.place.pointee, $0) }
            })
    }

    @_alwaysEmitIntoClient @inline(__always)
    nonisolated(nonsending) func encoded<State: ~Copyable, C: Collection, R: Encodable>(
        _ items: C, stopsAtFailure: Bool, _ make: () throws -> State, _ tearDown: (inout State) -> Void,
        _ body: (inout State, C.Element) throws -> R
    ) async throws(Failure) -> MapResult {
        let box = StateBox<State>()
        var cursor = CollectionCursor(items)
        return try await run(
            .coded(R.self, items.count), stopsAtFailure: stopsAtFailure,
            state: { step in try box.take(step, make: make, tearDown: tearDown) },
            { range, writer, _ in
                encodeResults(of: range, in: items, at: &cursor, writer) { unsafe try body(&box.place.pointee, $0) }
            })
    }
}

extension ForkPool {
    /// Runs `body` over the ranges of `layout.count` items in workers that make and end a state.
    @usableFromInline
    func run(
        _ layout: SlotLayout, stopsAtFailure: Bool, state: (WorkerState.Step) throws -> Void, _ body: BatchBody
    ) throws(Failure) -> MapResult {
        try withoutActuallyEscaping(state) { (state) throws(Failure) in
            try run(layout, stopsAtFailure: stopsAtFailure, state: WorkerState(state), body)
        }
    }

    /// Does the same from async code.
    @usableFromInline
    nonisolated(nonsending) func run(
        _ layout: SlotLayout, stopsAtFailure: Bool, state: (WorkerState.Step) throws -> Void, _ body: BatchBody
    ) async throws(Failure) -> MapResult {
        // A local function, since a closure here would not belong to the caller's isolation.
        nonisolated(nonsending) func supervised(
            state: @escaping (WorkerState.Step) throws -> Void
        ) async -> Result<MapResult, Failure> {
            do throws(Failure) {
                return .success(
                    try await run(layout, stopsAtFailure: stopsAtFailure, state: WorkerState(state), body))
            } catch {
                return .failure(error)
            }
        }
        return try await withoutActuallyEscaping(state, do: supervised).get()
    }
}
