// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization

/// The part of one map in its pool's workers: those that it has, and what wakes it for more.
///
/// The lock of `sharing` guards the variables.
final class MapTurn: Equatable, @unchecked Sendable {
    private let sharing: WorkerSharing
    /// Whether a task makes the map: it begins when a thread for tasks is free.
    let isTask: Bool
    let priority: Int
    /// Until when it waits in line, in nanoseconds of the monotonic clock; `Int.max` for no end.
    let deadline: Int

    /// Workers that the map was given and has not taken up.
    var given: [Int] = []
    /// How many workers it has, with those that it was given.
    var held = 0
    /// When it got the first of them, in nanoseconds of the monotonic clock.
    var began = 0
    /// Whether the map has begun to run: from then on it does not sleep.
    var hasBegun = false
    /// Why it has left the line without a worker.
    var departure: FailureCause?
    /// What sleeps until the map is given its first worker.
    var sleeper: Sleeper?
    /// The thread that supervises the map, and the pool that runs it.
    var supervisor: pthread_t?
    var pool: Pool?
    /// Notified when the map is given more workers; made when it has fewer than it has a use for.
    private(set) var event: EventFD?
    /// How many of its workers gave way, and how many more are to.
    private var gaveWay = 0
    private var recalled = 0
    private var isLastRecalled = false
    /// Whether the map has ended, for its own thread.
    private var isOver = false

    init(_ sharing: WorkerSharing, isTask: Bool, priority: Int = 0, deadline: Int = .max) {
        self.sharing = sharing
        self.isTask = isTask
        self.priority = priority
        self.deadline = deadline
    }

    static func == (one: MapTurn, other: MapTurn) -> Bool { one === other }

    // MARK: - For the supervisor of the map

    /// Begins to run the map in a pool, on the calling thread.
    func begin(in pool: Pool) {
        sharing.change { _ in
            supervisor = pthread_self()
            self.pool = pool
            publishRecall()
            return []
        }
    }

    /// Takes up the workers that the map was given since this was last asked.
    func take() -> [Int] {
        var taken: [Int] = []
        sharing.change { _ in
            swap(&taken, &given)
            return []
        }
        return taken
    }

    /// Takes the workers of a map whose task was given some long ago and has not begun, if this one waits for its next turn.
    func overtake() { sharing.overtake(self) }

    /// Gives workers back, some of which gave way; `wanted` is the most that the map has a use for from now on.
    func giveBack(_ workers: [Int], gaveWay count: Int, wanting wanted: Int) {
        sharing.change { queue in
            held -= workers.count
            gaveWay += count
            recalled = max(0, recalled - count)
            return queue.giveBack(workers, of: self, gaveWay: count, wanting: wanted, priority: priority)
        }
    }

    /// Makes the event that tells of more workers; without a descriptor for it the supervisor finds them at its next look.
    func watch() {
        guard event == nil, let made = try? EventFD() else { return }
        sharing.change { _ in
            event = made
            // These were given before there was an event.
            if !given.isEmpty { made.notify() }
            return []
        }
    }

    /// Gives everything back; no more follows.
    func end() {
        guard !exchange(&isOver, with: true) else { return }
        var kept: (Pool?, EventFD?)
        sharing.change { queue in
            kept = (exchange(&pool, with: nil), exchange(&event, with: nil))
            held = 0
            return queue.end(self)
        }
        extendLifetime(kept)
    }

    // MARK: - For the lock's holder

    /// Takes note of workers that the map is given.
    func give(_ workers: [Int]) {
        if held == 0 { began = monotonicNanoseconds() }
        if given.isEmpty { given = workers } else { given += workers }
        held += workers.count
        event?.notify()
    }

    /// Has workers of the map give way: so many, the last one only when the turn is over.
    func recall(_ count: Int, isLast: Bool) {
        (recalled, isLastRecalled) = (count, isLast)
        publishRecall()
    }

    private func publishRecall() {
        pool?.recallWorkers(gaveWay + recalled, after: isLastRecalled ? began + WorkerSharing.turnTime : 0)
    }
}

extension Pool {
    /// Lets workers give way until so many have done so in all, from a time in nanoseconds of the monotonic clock on.
    func recallWorkers(_ count: Int, after time: Int) {
        let slot = layout.batchSlot(0)
        unsafe slot.recallTime.pointee.store(time, ordering: .relaxed)
        unsafe slot.recalled.pointee.store(count, ordering: .releasing)
    }
}
