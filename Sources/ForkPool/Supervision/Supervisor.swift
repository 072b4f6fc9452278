internal import CForkPool
internal import Glibc
internal import Synchronization

/// Carries one map out: starts its workers, waits for their ends, and does what `MapMachine` decides.
struct Supervisor {
    private let context: WorkerContext
    private let doorbell: Int32?
    private var machine: MapMachine
    private var watch: Watch
    /// Starts that have to wait, and until when, in nanoseconds of the monotonic clock.
    private var delayed: [(time: Int, start: Start)] = []
    private var running: [Int: WorkerProcess] = [:]
    /// Whether a worker died in the middle of something.
    private var isTorn = false
    /// Where workers that run what another one left were to begin.
    private var firstItems: [Int: Int] = [:]
    private let claims: Claims
    /// Up to where workers claimed, as far as they said so, and how many of them have ended.
    private var claimed = 0
    private var ends = 0
    /// When the progress handler was last called, in nanoseconds of the monotonic clock.
    private var progressShown = monotonicNanoseconds()

    private var memory: MapMemory { context.memory }
    private var count: Int { context.memory.count }

    /// Prepares to carry out a map; the doorbell is a descriptor that becomes readable when the caller cancels it.
    init(_ context: WorkerContext, doorbell: Int32?) {
        self.context = context
        self.doorbell = doorbell
        machine = MapMachine(
            count: context.memory.count, stopsAtFailure: context.stopsAtFailure, policy: RetryPolicy(context.options),
            timeout: context.options.timeout?.nanoseconds ?? 0)
        watch = Watch(timeout: context.options.timeout, provesDeadlocks: true)
        claims = unsafe Claims(cursor: context.memory.cursor, count: context.memory.count)
    }

    /// Runs the map to its end: when it returns, no worker is left.
    mutating func run() -> (machine: MapMachine, isTorn: Bool) {
        perform(machine.begin(workers: context.workers))
        repeat {
            while !machine.isIdle || !delayed.isEmpty { waitForEnds() }
            // Every worker is gone, so what is unfinished now stays so. A cursor that a worker scribbled on is
            // not needed: what is left is handed out by name. Nor is the lowest failure, which is known here.
            let lost = unfinishedRanges()
            guard !lost.isEmpty else { break }
            claims.close()
            unsafe memory.lowestFailure.pointee.store(machine.lowestFailure, ordering: .relaxed)
            perform(machine.sweep(lost, workers: context.workers))
        } while !machine.isIdle
        if let progress = context.options.progress { progress(progressNow) }
        return (machine, isTorn)
    }

    private var progressNow: ForkPool.Options.Progress {
        // What ended with its worker has its outcome too, of which the worker says nothing.
        .init(done: min(memory.results.finishedCount + machine.causes.count, count), total: count)
    }

    /// Calls the progress handler, if there is one and it is time; returns when to wake for the next call, in nanoseconds
    /// from now.
    private mutating func showProgress() -> Int64 {
        guard let progress = context.options.progress else { return -1 }
        let wait = progressShown + ResidentCore.progressTime - monotonicNanoseconds()
        if wait > 0 { return Int64(wait) }
        progressShown += ResidentCore.progressTime - wait
        progress(progressNow)
        return Int64(ResidentCore.progressTime)
    }

    // MARK: - Waiting

    private mutating func waitForEnds() {
        startDelayed()
        guard !running.isEmpty || !delayed.isEmpty else { return }
        let workers = running.keys.sorted()
        var entries = workers.map { worker in
            cforkpool_poll(fd: running[worker]!.descriptor, events: Int16(POLLIN), revents: 0)
        }
        // Rung once, the bell stays rung.
        if let doorbell, machine.ending == nil {
            entries.append(cforkpool_poll(fd: doorbell, events: Int16(POLLIN), revents: 0))
        }
        let timeout = timeToSleep()
        // A refusal (no memory for the kernel's own list) leaves one certain way: to wait for one worker.
        let ready = try? SystemError.check("ppoll") {
            unsafe entries.withUnsafeMutableBufferPointer {
                unsafe cforkpool_ppoll($0.baseAddress, Int32($0.count), timeout)
            }
        }
        if ready == nil, !workers.isEmpty { entries[0].revents = Int16(POLLIN) }
        for (worker, entry) in zip(workers, entries) where entry.revents != 0 { end(worker) }
        if entries.count > workers.count, entries[workers.count].revents != 0 { perform([machine.cancel()]) }
        watchWorkers()
    }

    /// For how many nanoseconds nothing is to be done but to wait for ends; negative for no end.
    private mutating func timeToSleep() -> Int64 {
        let now = monotonicNanoseconds()
        var time = watch.nextTime(now: now)
        for (due, _) in delayed { time = min(time, due) }
        let progress = showProgress()
        let wait = Int64(time == .max ? -1 : max(time - now, 0))
        return wait < 0 ? progress : progress < 0 ? wait : min(wait, progress)
    }

    /// Kills workers that are overdue or wait for ever.
    private mutating func watchWorkers() {
        let now = monotonicNanoseconds()
        watch.wake(at: now)
        for (worker, process) in running {
            let line = memory.line(worker)
            let sight = line.sight
            let verdict = watch.see(worker, sight, at: now) { DeadlockProof.look(at: process.pid) }
            guard let verdict, line.condemn(at: sight, for: verdict, memory.results) else { continue }
            condemn(worker, verdict)
        }
        let spinning = watch.glimpse(at: now) { workers in
            DeadlockProof.glimpses(of: workers.map { (running[$0]!.pid, running[$0]!.descriptor) })
        }
        for worker in spinning { condemn(worker, .deadlocked) }
    }

    private mutating func condemn(_ worker: Int, _ verdict: MapMachine.Verdict) {
        machine.condemn(worker, verdict)
        running[worker]?.kill()
    }

    /// Starts those that have rested.
    private mutating func startDelayed() {
        guard !delayed.isEmpty else { return }
        let now = monotonicNanoseconds()
        let waiting = delayed.filter { isWanted($0.start) }
        delayed = waiting.filter { $0.time > now }
        start(waiting.filter { $0.time <= now }.map(\.start))
    }

    private func isWanted(_ start: Start) -> Bool {
        machine.ending == nil && start.leftover?.lowerBound ?? 0 < machine.lowestFailure
    }

    /// Takes leave of a worker: first its status, then what it published.
    private mutating func end(_ worker: Int) {
        guard let process = running.removeValue(forKey: worker) else { return }
        var death = process.reap()
        unsafe death.explain(by: memory.crash(worker).pointee, context.options)
        watch.forget(worker)
        var sight = look(at: worker)
        sight.obstacle = obstacle(of: worker, death)
        if !sight.finished { isTorn = true }
        ends += 1
        var actions: [MapMachine.Action] = []
        if context.stopsAtFailure {
            let lowest = unsafe memory.lowestFailure.pointee.load(ordering: .sequentiallyConsistent)
            if lowest >= 0, lowest < count, let action = machine.failed(lowest) { actions.append(action) }
        }
        machine.blame(worker, on: sight, &death)
        if let action = machine.ended(worker, death, sight, open: isOpen) {
            actions.append(action)
            if case .start = action, !sight.isUsedUp, let excess = context.restarted() {
                actions = [machine.end(.restartedTooOften(excess, death))]
            }
        }
        perform(actions)
    }

    /// Whether nobody claimed some items yet, as far as that can be believed: a body that turns the cursor back again and
    /// again would have workers started for ever.
    private var isOpen: Bool {
        let cursor = unsafe memory.cursor.pointee.load(ordering: .relaxed)
        let mostEnds = MapMachine.mostEnds(of: count, retries: context.options.retries)
        return cursor >= claimed && cursor < count && ends <= mostEnds
    }

    // MARK: - Acting

    /// A worker that is to be started.
    private struct Start {
        var worker: Int
        var leftover: Range<Int>?
        var attempt: Int
    }

    private mutating func perform(_ actions: [MapMachine.Action]) {
        var starts: [Start] = []
        for action in actions {
            switch action {
            case .start(let worker, let leftover, let attempt, 0):
                starts.append(Start(worker: worker, leftover: leftover, attempt: attempt))
            case .start(let worker, let leftover, let attempt, let pause):
                delayed.append(
                    (monotonicNanoseconds() + pause, Start(worker: worker, leftover: leftover, attempt: attempt)))
            case .endAbove(let item): kill { $0 > item }
            case .endAll: kill { _ in true }
            }
        }
        start(starts)
    }

    private mutating func start(_ starts: [Start]) {
        guard !starts.isEmpty else { return }
        for start in starts {
            firstItems[start.worker] = start.leftover?.lowerBound
            memory.line(start.worker).begin(leftover: start.leftover, attempt: start.attempt)
        }
        let outcomes = WorkerProcess.start(starts.map(\.worker), context: context)
        // Those that run come first: a refusal is judged by whether anything runs.
        for (start, outcome) in zip(starts, outcomes) {
            guard case .running(let process) = outcome else { continue }
            running[start.worker] = process
            if let action = machine.started(start.worker) { perform([action]) }
        }
        for outcome in outcomes {
            guard case .refused(let error) = outcome else { continue }
            machine.refused(error)
        }
    }

    private mutating func kill(where isNeedless: (_ position: Int) -> Bool) {
        if context.stopsAtFailure {
            _ = unsafe memory.lowestFailure.pointee.min(
                machine.lowestFailure, ordering: .sequentiallyConsistent)
        }
        for (worker, process) in running {
            let position = unsafe memory.line(worker).position.pointee.load(ordering: .sequentiallyConsistent)
            guard isNeedless(position) else { continue }
            machine.condemn(worker)
            process.kill()
        }
    }

    // MARK: - Looking at shared memory

    /// Why a worker could not begin, if it ended before it was set up.
    private func obstacle(of worker: Int, _ death: Death) -> MapMachine.Cause? {
        let line = memory.line(worker)
        if unsafe line.finish.pointee.load(ordering: .acquiring) == ScoreLine.Finish.notSetUp {
            let newest = unsafe line.newestReport.pointee.load(ordering: .acquiring)
            let harvest = Harvest(memory: memory.results, machine: machine, newestReports: [newest])
            return .notSetUp(
                harvest.report(of: ReportLink.setUp) ?? Report(losing: "an error that its worker had no room for"))
        }
        guard context.options.setUp != nil,
            unsafe line.stage.pointee.load(ordering: .relaxed) != ScoreLine.Stage.ready, death.isOwnDoing
        else { return nil }
        return .endedInSetUp(death)
    }

    /// Reads a dead worker's line once, and believes what can be true.
    private mutating func look(at worker: Int) -> MapMachine.Sight {
        let line = memory.line(worker)
        let finish = unsafe line.finish.pointee.load(ordering: .acquiring)
        let isUsedUp = finish == ScoreLine.Finish.used && context.options.itemsPerWorker != nil
        let finished = isUsedUp || finish == ScoreLine.Finish.done
        let position = unsafe line.position.pointee.load(ordering: .relaxed)
        let end = unsafe line.end.pointee.load(ordering: .relaxed)
        // A line that says less than where the worker was to begin is damaged, and would be given out for ever.
        guard position >= firstItems[worker] ?? 0, position < end, end <= count else {
            return MapMachine.Sight(
                finished: finished, isUsedUp: isUsedUp, item: nil, leftover: nil, claimed: false)
        }
        claimed = max(claimed, end)
        return MapMachine.Sight(
            line, position..<end, finished: finished, isUsedUp: isUsedUp, memory.results,
            timesItems: context.options.timeout != nil)
    }

    /// The items that must have an outcome and have none, as ranges.
    private func unfinishedRanges() -> [Range<Int>] {
        let results = memory.results
        guard machine.ending == nil, !results.isComplete else { return [] }
        return results.unfinishedRanges(below: min(count, machine.lowestFailure)) { machine.causes[$0] != nil }
    }
}
