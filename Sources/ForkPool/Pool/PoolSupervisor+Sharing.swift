// SPDX-License-Identifier: Apache-2.0

// How a one-shot map shares the workers of its pool with other maps.

extension PoolSupervisor {
    /// Takes up the workers that the map was given, and gives back those that it has no process for.
    ///
    /// - Returns: Whether there is something else to wait for.
    @discardableResult
    func shareWorkers() -> Bool {
        guard let turn else { return false }
        let before = processes.count
        let hadEvent = turn.event != nil
        // First of all: what gave way must not be started again for what the map was given.
        giveBackUnused(turn)
        if nextOvertaking != nil { turn.overtake() }
        let given = turn.take()
        if !given.isEmpty {
            takeUp(given)
            giveBackUnused(turn)
        }
        return processes.count != before || hadEvent != (turn.event != nil)
    }

    /// How long a map that waits for its next turn sleeps until it looks for one to overtake, in nanoseconds; nil where none waits.
    ///
    /// The thread of a map that no task makes may be one that tasks need to begin.
    var nextOvertaking: Int? {
        guard let turn, !turn.isTask, table.heldCount == 0, !table.isEnding else { return nil }
        return WorkerSharing.longestStart
    }

    private func giveBackUnused(_ turn: MapTurn) {
        let isOver = table.isEnding || pool.isClosing
        var unused = table.unused
        // What is left needs at least one worker, which the next review starts.
        if unused.count == table.heldCount, gaveWay == 0, !isOver, pool.hasWork { _ = unused.popLast() }
        let kept = table.heldCount - unused.count
        var wanted = isOver || wasRefused ? kept : min(workers, kept + pool.claimable)
        if kept == 0, !isOver, pool.hasWork { wanted = max(wanted, 1) }
        if wanted > kept { turn.watch() }
        // What ends gives the last ones back when its guard has ended.
        if !unused.isEmpty, kept > 0 || !isOver {
            // A map that waits for its next turn has no process, not even a guard.
            if kept == 0 { starter.rest() }
            table.giveBack(unused)
            turn.giveBack(unused, gaveWay: gaveWay, wanting: wanted)
            (gaveWay, wasRefused) = (0, false)
        }
    }

    /// Starts processes for workers that the map was given.
    private func takeUp(_ workers: [Int]) {
        table.take(workers)
        guard pool.claimable > 0, !table.isEnding, !pool.isClosing else { return }
        perform(table.fill())
        if let refusal = collect(waiting: true), processes.isEmpty { pool.failWithoutWorkers(.refused(refusal)) }
    }
}
