// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Glibc
internal import Synchronization

/// Shares the workers of a pool among its one-shot maps: a lock around `MapQueue`, and what wakes the maps that wait.
final class WorkerSharing: Sendable {
    /// How long the only worker of a map goes on while others wait, in nanoseconds: hundreds of times what a fork takes.
    static let turnTime = 100_000_000
    /// How long a task may take to begin once it was given workers, in nanoseconds, while a thread waits.
    static let longestStart = 100_000_000

    private let workers: Int
    /// The most maps that wait in line, if more are to fail.
    private let limit: Int?
    /// The process whose maps these are, and the sharing of a fork of it.
    private let generation = cforkpool_generation()
    private let successor = AtomicLazyReference<WorkerSharing>()
    let state: Locked<State>
    /// Signalled when the thread that keeps deadlines has another one to keep.
    let timer = PrivateSignal()

    struct State {
        var queue: MapQueue<MapTurn>
        /// Tasks that were given workers and have not begun: they may have to wait for a thread.
        var unbegun: [MapTurn] = []
        /// Tasks that wait in line until a deadline, and how long that is in nanoseconds; whether a thread keeps these, and how
        /// often they changed.
        var timed: [(turn: MapTurn, time: Int)] = []
        var hasTimer = false
        var timedCount = 0
    }

    init(workers: Int, limit: Int?) {
        self.workers = workers
        self.limit = limit
        state = Locked(State(queue: MapQueue(workers: workers)))
    }

    /// The sharing of this process.
    ///
    /// A forked worker has a copy of its parent's maps, and of the lock as some thread may have held it: it uses neither.
    var own: WorkerSharing {
        let generation = cforkpool_generation()
        var sharing = self
        while sharing.generation != generation {
            sharing = sharing.successor.storeIfNil(WorkerSharing(workers: workers, limit: limit))
        }
        return sharing
    }

    /// How many maps wait in line, and how many workers maps have.
    var load: (pending: Int, busy: Int) { state.withLock { ($0.queue.pending, $0.queue.busy) } }

    /// Changes the queue under the lock, and carries out what that means for each map.
    func change(_ body: (inout MapQueue<MapTurn>) -> [MapQueue<MapTurn>.Action]) {
        changeState { body(&$0.queue) }
    }

    func changeState(_ body: (inout State) -> [MapQueue<MapTurn>.Action]) {
        let awakened = state.withLock { state in
            var awakened: [Waiter] = []
            for action in body(&state) {
                switch action {
                case .recall(let turn, let count, let isLast): turn.recall(count, isLast: isLast)
                case .grant(let turn, let workers):
                    turn.give(workers)
                    if turn.isTask, !turn.hasBegun, !state.unbegun.contains(turn) { state.unbegun.append(turn) }
                    exchange(&turn.sleeper, with: nil)?.wake(&awakened)
                }
            }
            return awakened
        }
        Waiter.resume(awakened)
    }

    // MARK: - Arrivals

    /// Waits, on the calling thread, until a map can begin with at least one worker, and at most until its deadline.
    ///
    /// - Throws: `full`; `timedOut`.
    func enter(
        wanting wanted: Int, _ rules: CallRules = .standard, by deadline: Int = .max
    ) throws(ForkPool.Failure) -> MapTurn {
        let turn = try arrive(wanted, rules, by: deadline, isTask: false)
        guard !turn.hasBegun else { return turn }
        let event = PrivateEvent()
        if fallAsleep(turn, .thread(event)) {
            while !event.wait(longestWait(deadline)) {
                if isOver(deadline), leave(turn, for: .overdueInQueue(rules.deadline ?? 0)) { break }
                overtake(turn)
            }
        }
        if let cause = departure(of: turn) { throw ForkPool.Failure(cause, nil as Int?) }
        _ = start(turn)
        return turn
    }

    /// Suspends the task until a map can begin with at least one worker, and at most until its deadline.
    ///
    /// - Throws: `full`; `timedOut`; `cancelled` if the task is cancelled.
    nonisolated(nonsending) func enter(
        wanting wanted: Int, _ rules: CallRules = .standard, by deadline: Int = .max
    ) async throws(ForkPool.Failure) -> MapTurn {
        let turn = try arrive(wanted, rules, by: deadline, isTask: true)
        defer { forgetDeadline(of: turn) }
        while !turn.hasBegun, !start(turn) {
            if deadline != .max { keepDeadline(of: turn, rules.deadline ?? 0) }
            await withTaskCancellationHandler {
                await unsafe withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                    let waiter = unsafe Waiter(continuation)
                    if !fallAsleep(turn, .task(waiter)) { waiter.resume() }
                }
            } onCancel: {
                leave(turn, for: .cancelled)
            }
            if let cause = departure(of: turn) { throw ForkPool.Failure(cause, nil as Int?) }
        }
        return turn
    }

    /// Adds a map, which begins at once if a worker is free.
    private func arrive(
        _ wanted: Int, _ rules: CallRules, by deadline: Int, isTask: Bool
    ) throws(ForkPool.Failure) -> MapTurn {
        let turn = MapTurn(self, isTask: isTask, priority: rules.priority, deadline: deadline)
        var isRefused = false
        change { queue in
            // A progress handler keeps its map from giving workers back. A map that it makes must not wait for them.
            let thread = pthread_self()
            let cannotWait = queue.isFull && queue.hasWorker { $0.supervisor == thread }
            if let limit, queue.isFull, !cannotWait, queue.pending >= limit {
                isRefused = true
                return []
            }
            let (workers, actions) = queue.arrive(
                turn, wanting: wanted, priority: rules.priority, cannotWait: cannotWait)
            if let workers {
                turn.give(workers)
                turn.hasBegun = true
            }
            return actions
        }
        if isRefused { throw .queueFull(limit ?? 0) }
        return turn
    }

    /// Has a thread or a task sleep for a map; returns false if the map need not wait.
    private func fallAsleep(_ turn: MapTurn, _ sleeper: Sleeper) -> Bool {
        var sleeps = false
        changeState { state in
            guard turn.given.isEmpty, turn.departure == nil else { return [] }
            (turn.sleeper, sleeps) = (sleeper, true)
            return state.queue.comeBack(turn)
        }
        return sleeps
    }

    /// Begins with what a map was given; returns false if that is nothing.
    private func start(_ turn: MapTurn) -> Bool {
        state.withLock { state in
            state.unbegun.removeAll { $0 == turn }
            turn.hasBegun = !turn.given.isEmpty
            return turn.hasBegun
        }
    }

    private func departure(of turn: MapTurn) -> FailureCause? { state.withLock { _ in turn.departure } }

    /// Takes a map that has not begun out of the line, and wakes its task; returns whether it has left.
    ///
    /// One that was given workers when its time was over begins all the same, and ends by its deadline.
    @discardableResult
    func leave(_ turn: MapTurn, for cause: FailureCause) -> Bool {
        var (sleeper, hasLeft) = (Sleeper?.none, false)
        changeState { state in
            guard !turn.hasBegun, turn.departure == nil else { return [] }
            if case .overdueInQueue = cause, !turn.given.isEmpty { return [] }
            (turn.departure, hasLeft) = (cause, true)
            sleeper = exchange(&turn.sleeper, with: nil)
            state.unbegun.removeAll { $0 == turn }
            return state.queue.end(turn)
        }
        if case .task(let waiter)? = sleeper { Waiter.resume([waiter]) }
        return hasLeft
    }

    /// Gives a map, for which a thread waits, the workers of one whose task was given some long ago and has not begun.
    ///
    /// All threads for tasks may be in such waits: for their first worker, or for their next turn.
    func overtake(_ turn: MapTurn) {
        let now = monotonicNanoseconds()
        changeState { state in
            guard turn.given.isEmpty, state.queue.waits(turn),
                let late = state.unbegun.firstIndex(where: { now - $0.began >= Self.longestStart })
            else { return [] }
            let other = state.unbegun.remove(at: late)
            (other.given, other.held) = ([], 0)
            return state.queue.pass(from: other, to: turn)
        }
    }
}
