// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Synchronization

/// The state that a worker makes before its first item and keeps until its last one.
///
/// The parent makes the box, and never the state: after the fork each worker has a copy of the box, and fills its own. The
/// state lies behind a pointer, since the runtime's checks of a class's variable would cost each item more than the access.
@usableFromInline
@safe final class StateBox<State: ~Copyable> {
    @usableFromInline let place: UnsafeMutablePointer<State>

    @usableFromInline
    init() {
        unsafe place = .allocate(capacity: 1)
    }

    deinit {
        unsafe place.deallocate()
    }

    /// Makes the state or ends it.
    @_alwaysEmitIntoClient
    func take(_ step: WorkerState.Step, make: () throws -> State, tearDown: (inout State) -> Void) throws {
        switch step {
        case .make: unsafe place.initialize(to: try make())
        case .end:
            unsafe tearDown(&place.pointee)
            unsafe place.deinitialize(count: 1)
        }
    }
}

extension StateBox where State: ~Copyable {
    /// What a worker does before its first item and after its last one.
    @_alwaysEmitIntoClient
    func steps(
        _ make: @escaping () throws -> State, _ tearDown: @escaping (inout State) -> Void
    ) -> WorkerState {
        WorkerState { step in try self.take(step, make: make, tearDown: tearDown) }
    }

    /// Returns a body that passes the state on, and what a worker does before its first item and after its last one.
    static func bind<I, R>(
        _ make: @escaping () throws -> State, _ tearDown: @escaping (inout State) -> Void,
        _ body: @escaping (inout State, I) throws -> R
    ) -> (body: (I) throws -> R, state: WorkerState) {
        let box = StateBox()
        return (
            { input in unsafe try body(&box.place.pointee, input) }, box.steps(make, tearDown)
        )
    }
}

/// How a worker makes its state and ends it, whatever its type.
@usableFromInline
struct WorkerState {
    @usableFromInline
    enum Step {
        case make, end
    }

    private let take: (Step) throws -> Void

    @usableFromInline
    init(_ take: @escaping (Step) throws -> Void) {
        self.take = take
    }

    /// Makes the state, in the worker.
    func make() throws {
        WorkerRecord.noteMakingState()
        try take(.make)
    }

    /// Ends the state, in the worker.
    func end() {
        try? take(.end)
    }
}

extension ForkPool.Options {
    /// What a worker does before its first item.
    func setUp(making state: WorkerState?) -> (() throws -> Void)? {
        guard let state else { return setUp }
        return { [setUp] in
            try setUp?()
            try state.make()
        }
    }

    /// What a worker does after its last item.
    func tearDown(ending state: WorkerState?) -> (() -> Void)? {
        guard let state else { return tearDown }
        return { [tearDown] in
            state.end()
            tearDown?()
        }
    }
}

extension WorkerRecord {
    /// Says in the calling worker's record that its state is being made.
    static func noteMakingState() {
        guard let base = unsafe cforkpool_get_position() else { return }
        let record = unsafe WorkerRecord(base: UnsafeMutableRawPointer(mutating: base), key: 0)
        let stage = unsafe record.stage.pointee.load(ordering: .relaxed)
        unsafe record.stage.pointee.store(Stage.makingState(after: stage), ordering: .releasing)
    }
}
