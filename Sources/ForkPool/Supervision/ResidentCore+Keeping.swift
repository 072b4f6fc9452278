internal import CForkPool
internal import Synchronization

// What the keeper asks and tells: the ends of workers, and what is to be done about them.

extension ResidentCore {
    /// What the keeper is to do.
    struct Order {
        /// Why everything is to end.
        var ending: MapMachine.Cause?
        /// Whether workers end by themselves and are not to be replaced.
        var isClosing = false
        /// Whether there are items that somebody must run.
        var hasWork = false
        /// Workers to kill.
        var condemned: [Int] = []
        /// Whether what a wild write could have damaged was set right.
        var repairs = false
        /// Batches that are to show how far they are.
        var progress: [Batch] = []
    }

    /// For so long workers on needless items may go on, in nanoseconds: most are done by then, and none is replaced.
    private static let grace = 2_000_000
    /// The time between two calls of a progress handler, in nanoseconds.
    static let progressTime = 100_000_000

    /// When the keeper is to look at the latest, in nanoseconds from now; negative for no end.
    func nextLook(now: Int) -> Int64 {
        locked { state in
            state.isAttended = state.needsAttention
            var timeout = state.isAttended ? Int64(Self.repairTime) : -1
            for case let batch? in state.entries {
                var due: Int?
                if let look = batch.nextLook { due = look - now }
                if batch.shape.showsProgress {
                    due = min(due ?? .max, batch.progressShown + Self.progressTime - now)
                }
                guard let due else { continue }
                timeout = timeout < 0 ? Int64(max(due, 0)) : min(timeout, Int64(max(due, 0)))
            }
            return timeout
        }
    }

    /// Looks after every batch.
    func review(now: Int, isManned: Bool) -> Order {
        locked { state in
            var order = Order(ending: state.ending, isClosing: state.isClosing)
            state.isUnmanned = !isManned
            settleAll(&state)
            announceAllTasks(&state)
            resumeStreams(&state)
            for (number, batch) in state.entries.enumerated() {
                guard let batch else { continue }
                order.hasWork = true
                attend(batch, number, now, &order)
            }
            if !state.pending.isEmpty { order.hasWork = true }
            repair(&state, now, &order)
            return order
        }
    }

    private func attend(_ batch: Batch, _ number: Int, _ now: Int, _ order: inout Order) {
        let entry = memory.entry(number)
        let lowest = unsafe entry.lowestFailure.pointee.load(ordering: .sequentiallyConsistent)
        if lowest != .max {
            // A cancelled batch has no time left.
            let since = batch.machine.ending == nil ? batch.failingSince ?? now : now - Self.grace
            batch.failingSince = since
            if now - since >= Self.grace {
                for worker in 0..<memory.workers where condemn(worker, entry, above: lowest) {
                    batch.machine.condemn(worker)
                    order.condemned.append(worker)
                }
            }
            // Those below may take any time: less and less often.
            batch.nextLook = now + max(Self.grace, now - since)
        } else {
            batch.failingSince = nil
            batch.nextLook = nil
        }
        if batch.shape.showsProgress {
            if batch.progressShown == 0 { batch.progressShown = now }
            if now - batch.progressShown >= Self.progressTime {
                batch.progressShown = now
                order.progress.append(batch)
            }
        }
    }

    /// Whether a worker is inside of a batch for an item above `lowest`; then it begins with nothing else any more.
    private func condemn(_ worker: Int, _ entry: BatchEntry, above lowest: Int) -> Bool {
        guard entry.inside.contains(worker) else { return false }
        let line = memory.line(worker)
        let position = unsafe line.position.pointee.load(ordering: .sequentiallyConsistent)
        // One that has not begun is still being set up, for what another one left.
        let item = unsafe position >= 0 ? position : line.leftoverStart.pointee.load(ordering: .relaxed)
        guard item > lowest else { return false }
        line.condemn()
        if entry.inside.contains(worker) { return true }
        // It left meanwhile, and would be killed for what it does now.
        line.pardon()
        return false
    }

    /// Whether a batch has ended since this was last asked.
    func takeProgress() -> Bool {
        locked { state in
            defer { state.hasEndedBatch = false }
            return state.hasEndedBatch
        }
    }

    /// Whether anybody uses the pool, or did since this was last asked; if not, the next one rings.
    func isInUse() -> Bool {
        locked { state in
            state.isWatched =
                state.wasUsed || state.isClosing || !state.pending.isEmpty || state.entries.contains { $0 != nil }
            state.wasUsed = false
            return state.isWatched
        }
    }

    /// Keeps a worker from going on that is to be killed for what it is on, unless it is not on that any more; returns
    /// whether to kill it.
    func condemn(_ worker: Int, at sight: Watch.Sight, for verdict: MapMachine.Verdict) -> Bool {
        locked { state in
            let line = memory.line(worker)
            for (number, batch) in state.entries.enumerated() {
                guard let batch, memory.entry(number).inside.contains(worker) else { continue }
                return line.condemn(at: sight, for: verdict, batch.memory)
            }
            return verdict == .deadlocked
        }
    }

    /// Hears that a worker ended, of what the keeper found out why if it was its own doing.
    ///
    /// - Returns: What is to be seen of it, and for how many nanoseconds it is to rest before it is replaced.
    func ended(_ worker: Int, _ sight: Crew.Sight, _ verdict: MapMachine.Verdict?) -> (Crew.Sight, pause: Int) {
        var sight = sight
        let line = memory.line(worker)
        let finish = unsafe line.finish.pointee.load(ordering: .acquiring)
        sight.finished = finish == ScoreLine.Finish.done || finish == ScoreLine.Finish.used
        let stage = unsafe line.stage.pointee.load(ordering: .relaxed)
        sight.claimed = stage == ScoreLine.Stage.working
        let pause = locked { state in
            // Who is inside and no heir was past `setUp`, whatever its line says.
            let isInside = (0..<memory.entries).contains {
                state.entries[$0] != nil && memory.entry($0).inside.contains(worker)
            }
            sight.isReady = stage != ScoreLine.Stage.starting || (isInside && !state.heirs.contains(worker))
            if finish == ScoreLine.Finish.notSetUp, !sight.isReady { sight.report = setUpReport(worker) }
            unsafe memory.closing.pointee.store(state.isClosing ? 1 : 0, ordering: .sequentiallyConsistent)
            var leftover: Leftover?
            var leftAt = 0
            for (number, batch) in state.entries.enumerated() {
                guard let batch, memory.entry(number).inside.contains(worker) else { continue }
                if let verdict { batch.machine.condemn(worker, verdict) }
                if let left = ended(worker, &sight, at: number, batch), leftover == nil {
                    leftover = left
                    leftAt = number + 1
                } else {
                    leave(worker, number, batch)
                }
            }
            unsafe line.entry.pointee.store(leftAt, ordering: .relaxed)
            line.begin(leftover: leftover?.range, attempt: leftover?.attempt ?? 1)
            if leftover == nil { state.heirs.remove(worker) } else { state.heirs.insert(worker) }
            memory.sleepers.remove(worker)
            memory.seekers.remove(worker)
            line.stayAwake()
            // What the worker was to say, and whom it was to wake, and did not any more; also at an entry whose batch
            // somebody else settled meanwhile, who found nothing left to signal.
            for (number, batch) in state.entries.enumerated() {
                memory.entry(number).ended.wakeThreads()
                guard let batch else { continue }
                closeIfTurnedBack(number, batch)
                finishIfLeft(number, batch)
                if memory.open.contains(number) { memory.wake(1) }
            }
            settleAll(&state)
            memory.wakeForgotten()
            memory.admission.wakeThreads()
            memory.itemEnded.wakeThreads()
            resumeStreams(&state)
            return leftover?.pause ?? 0
        }
        return (sight, pause)
    }

    /// What the next process that is a worker is to run first.
    private struct Leftover {
        var range: Range<Int>
        var attempt: Int
        var pause: Int
    }

    /// What becomes of a batch of which a worker was inside; returns what the next one is to run first.
    private func ended(_ worker: Int, _ sight: inout Crew.Sight, at number: Int, _ batch: Batch) -> Leftover? {
        let entry = memory.entry(number)
        let seen = look(at: worker, batch, finished: sight.finished)
        let position = unsafe memory.line(worker).position.pointee.load(ordering: .relaxed)
        if position >= 0, position < batch.shape.count { batch.settleReport(of: position) }
        batch.machine.blame(worker, on: seen, &sight.death)
        let action = batch.machine.ended(worker, sight.death, seen, open: false)
        if let item = seen.item, batch.machine.causes[item] != nil { batch.markLost(item) }
        switch action {
        case .start(_, let range, let attempt, let pause):
            batch.firstItems[worker] = range?.lowerBound ?? batch.firstItems[worker]
            return range.map { Leftover(range: $0, attempt: attempt, pause: pause) }
        case .endAbove(let item):
            _ = unsafe entry.lowestFailure.pointee.min(item, ordering: .sequentiallyConsistent)
            memory.open.remove(number)
            return nil
        case .endAll:
            unsafe entry.lowestFailure.pointee.store(-1, ordering: .sequentiallyConsistent)
            memory.open.remove(number)
            return nil
        case nil: return nil
        }
    }

    /// Lets go of what a worker was to take up that will not be there.
    func abandon(_ worker: Int) {
        locked { state in
            for (number, batch) in state.entries.enumerated() {
                if let batch, memory.entry(number).inside.contains(worker) { leave(worker, number, batch) }
            }
            state.heirs.remove(worker)
            memory.line(worker).begin(leftover: nil)
            settleAll(&state)
        }
    }

    private func leave(_ worker: Int, _ number: Int, _ batch: Batch) {
        memory.entry(number).inside.remove(worker)
        finishIfLeft(number, batch)
    }

    /// Says that a batch is done, if nothing is left to claim and nobody is inside.
    func finishIfLeft(_ number: Int, _ batch: Batch) {
        let entry = memory.entry(number)
        guard entry.inside.isEmpty else { return }
        if !entry.hasUnclaimed { memory.open.remove(number) }
        if !memory.open.contains(number) { entry.finish(tag: batch.tags.last!) }
    }

    /// Reads a dead worker's line once, and believes what can be true.
    private func look(at worker: Int, _ batch: Batch, finished: Bool) -> MapMachine.Sight {
        let line = memory.line(worker)
        let position = unsafe line.position.pointee.load(ordering: .relaxed)
        let end = unsafe line.end.pointee.load(ordering: .relaxed)
        // A line that says less than where the worker was to begin is damaged, and would be given out for ever.
        guard position >= batch.firstItems[worker] ?? 0, position < end, end <= batch.shape.count else {
            return MapMachine.Sight(finished: finished, item: nil, leftover: nil, claimed: false)
        }
        return MapMachine.Sight(
            line, position..<end, finished: finished, batch.memory, timesItems: options.timeout != nil)
    }

    private func setUpReport(_ worker: Int) -> Report {
        let length = unsafe memory.line(worker).newestReport.pointee.load(ordering: .relaxed)
        let bytes = unsafe memory.setUpReport(worker)
        let report =
            length > 0 && length <= bytes.count
            ? unsafe try? BinaryDecoder.decode(
                Report.self, fromShared: UnsafeRawBufferPointer(rebasing: bytes[..<length]))
            : nil
        return report ?? Report(losing: "an error whose report is damaged")
    }

    /// Whether workers end by themselves.
    var isClosing: Bool { locked { $0.isClosing } }

    /// Ends everything, for a cause that the keeper saw.
    func end(_ cause: MapMachine.Cause) {
        locked { state in condemnAll(cause, &state) }
    }

    /// Ends every batch, when no process is left.
    func endAll(_ cause: MapMachine.Cause) {
        locked { state in
            if state.ending == nil { state.ending = cause }
            endAll(cause, &state)
        }
    }

    /// Fails every batch, for want of workers; later ones may find some.
    func failAll(_ cause: MapMachine.Cause) {
        locked { state in endAll(cause, &state) }
    }
}
