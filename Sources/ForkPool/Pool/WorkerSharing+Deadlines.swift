// SPDX-License-Identifier: Apache-2.0

// The deadlines of tasks whose maps wait in line: a task cannot wake itself, so a thread does while there are any.

extension WorkerSharing {
    /// How long a thread that waits in line sleeps at most, in nanoseconds.
    func longestWait(_ deadline: Int) -> Int64 {
        guard deadline != .max else { return Int64(Self.longestStart) }
        return Int64(max(0, min(Self.longestStart, deadline - monotonicNanoseconds())))
    }

    func isOver(_ deadline: Int) -> Bool { deadline != .max && deadline <= monotonicNanoseconds() }

    /// Has a thread take the map of a task out of the line at its deadline; `time` is how long that is, in nanoseconds.
    ///
    /// If the system refuses a thread, the map leaves the line for that.
    func keepDeadline(of turn: MapTurn, _ time: Int) {
        let starts = state.withLock { state -> Bool in
            guard !state.timed.contains(where: { $0.turn == turn }) else { return false }
            state.timed.append((turn, time))
            state.timedCount += 1
            return !exchange(&state.hasTimer, with: true)
        }
        guard starts else { return timer.signal() }
        do throws(SystemError) {
            try ThreadWork.start { [self] in
                keepDeadlines()
            } then: {
            }
        } catch {
            let waiting = state.withLock { state in
                state.hasTimer = false
                return exchange(&state.timed, with: [])
            }
            for (turn, _) in waiting { leave(turn, for: .refused(error)) }
        }
    }

    /// Ends the thread's wait if it is for a map that waits no more.
    func forgetDeadline(of turn: MapTurn) {
        guard turn.isTask, turn.deadline != .max else { return }
        let isKept = state.withLock { state -> Bool in
            guard let place = state.timed.firstIndex(where: { $0.turn == turn }) else { return false }
            state.timed.remove(at: place)
            state.timedCount += 1
            return true
        }
        if isKept { timer.signal() }
    }

    /// Takes maps out of the line at their deadlines, until no task waits for one.
    private func keepDeadlines() {
        while true {
            let (due, next, count) = state.withLock { state in
                let now = monotonicNanoseconds()
                let due = state.timed.filter { $0.turn.deadline <= now }
                state.timed.removeAll { $0.turn.deadline <= now }
                let next = state.timed.map(\.turn.deadline).min()
                if next == nil { state.hasTimer = false }
                return (due, next, state.timedCount)
            }
            for (turn, time) in due { leave(turn, for: .overdueInQueue(time)) }
            guard let next else { return }
            timer.wait(
                while: { state.withLock { $0.timedCount == count } },
                timeout: Int64(max(0, next - monotonicNanoseconds())))
        }
    }
}
