internal import CForkPool
internal import Glibc
internal import Synchronization

/// Watches the processes of a resident pool, from a thread of its own that sleeps unless one ends, a task waits or
/// the pool does.
final class Keeper {
    private let core: ResidentCore
    private let source: any ProcessSource
    private var crew: Crew
    private var watch: Watch
    /// Why workers were killed by the keeper's own hand.
    private var verdicts: [Int: MapMachine.Verdict] = [:]
    /// The workers that waited for ever for the same as another one that was found before: all that began alike may.
    private var alike: Set<Int> = []
    /// When it was last asked whether items get done, in nanoseconds of the monotonic clock.
    private var lastProgress = 0
    /// The workers that rest before another process takes over, and until when in nanoseconds of the monotonic clock.
    private var resting: [(worker: Int, time: Int)] = []
    private var restarts: RestartLog
    private var processes: [Int: ResidentProcess] = [:]
    /// What is waited for: the bell, then the processes in the places beside it.
    private var polled: [cforkpool_poll] = []
    private var polledPlaces: [Int] = []
    /// Signalled, in memory of this process alone, when nothing is left.
    private let over: PrivateEvent

    private var memory: ResidentMemory { core.memory }

    init(core: ResidentCore, source: any ProcessSource, over: PrivateEvent) {
        self.core = core
        self.source = source
        self.over = over
        crew = Crew(workers: core.memory.workers)
        watch = Watch(timeout: core.options.timeout, provesDeadlocks: source.startsAlone)
        restarts = RestartLog(core.options.restartIntensity)
    }

    /// Starts the workers and then the thread that watches them.
    ///
    /// - Throws: The refusal, if not one worker runs; nothing is left then.
    static func start(core: ResidentCore, source: any ProcessSource, over: PrivateEvent) throws(SystemError) {
        let keeper = Keeper(core: core, source: source, over: over)
        keeper.perform(keeper.crew.fill())
        let refusal = keeper.collect(waiting: true)
        if let refusal, keeper.processes.isEmpty {
            keeper.source.close()
            throw refusal
        }
        let context = unsafe Unmanaged.passRetained(keeper)
        let error = unsafe cforkpool_thread(
            { unsafe Keeper.watch($0).signal() }, unsafe context.toOpaque())
        guard error != 0 else { return }
        unsafe context.release()
        keeper.crew.close()
        keeper.killAll()
        keeper.reapAll()
        keeper.source.close()
        throw SystemError(call: "pthread_create", code: -error)
    }

    // MARK: - The thread

    /// Watches until nothing is left, and returns what is to be signalled then: the keeper's own hold on the pool's memory
    /// is gone before anybody hears of the end.
    @inline(never)
    private static func watch(_ context: UnsafeMutableRawPointer) -> PrivateEvent {
        let keeper = unsafe Unmanaged<Keeper>.fromOpaque(context).takeRetainedValue()
        keeper.run()
        return keeper.over
    }

    private func run() {
        over.promise()
        prepareToPoll()
        while true {
            sleep()
            let hasChanged = look()
            let isOver = review()
            if isOver { break }
            if hasChanged { prepareToPoll() }
        }
        source.close()
    }

    private func prepareToPoll() {
        polledPlaces = processes.keys.sorted()
        polled = [cforkpool_poll(fd: core.bell.descriptor, events: Int16(POLLIN), revents: 0)]
        polled += polledPlaces.map { cforkpool_poll(fd: processes[$0]!.descriptor, events: Int16(POLLIN), revents: 0) }
        polled += source.watched.map { cforkpool_poll(fd: $0, events: Int16(POLLIN), revents: 0) }
    }

    private func sleep() {
        let timeout = timeToSleep()
        // A refusal (no memory for the kernel's own list) leaves one certain way: to look at everything.
        _ = try? SystemError.check("ppoll") {
            unsafe polled.withUnsafeMutableBufferPointer {
                unsafe cforkpool_ppoll($0.baseAddress, Int32($0.count), timeout)
            }
        }
    }

    /// For how many nanoseconds nothing is to be done but to wait; negative for no end.
    private func timeToSleep() -> Int64 {
        let now = monotonicNanoseconds()
        let look = core.nextLook(now: now)
        var time = resting.map(\.time).min() ?? .max
        if watch.isNeeded, core.isInUse() { time = min(time, watch.nextTime(now: now)) }
        let wait = Int64(time == .max ? -1 : max(time - now, 0))
        return wait < 0 ? look : look < 0 ? wait : min(wait, look)
    }

    /// Kills workers that are overdue or wait for ever.
    private func watchWorkers() {
        guard watch.isNeeded else { return }
        let now = monotonicNanoseconds()
        watch.wake(at: now)
        var places: [Int: Int] = [:]
        for (place, process) in processes {
            guard let worker = crew.worker(in: place), verdicts[worker] == nil else { continue }
            places[worker] = place
            let sight = memory.line(worker).sight
            let verdict = watch.see(worker, sight, at: now) { DeadlockProof.look(at: process.pid) }
            if let verdict { condemn(worker, in: place, at: sight, for: verdict) }
        }
        let spinning = watch.glimpse(at: now) { workers in
            DeadlockProof.glimpses(of: workers.map { processes[places[$0]!]! }.map { ($0.pid, $0.descriptor) })
        }
        for worker in spinning { condemn(worker, in: places[worker]!, at: memory.line(worker).sight, for: .deadlocked) }
    }

    /// Kills a worker, unless it is not on the item any more that it is to be killed for.
    private func condemn(_ worker: Int, in place: Int, at sight: Watch.Sight, for verdict: MapMachine.Verdict) {
        guard core.condemn(worker, at: sight, for: verdict) else { return }
        verdicts[worker] = verdict
        processes[place]?.kill()
        guard verdict == .deadlocked else { return }
        // Whoever waits to take over would do the same as this one.
        if !source.distrust(place) { alike.insert(worker) }
        for spare in crew.dismiss() { processes[spare]?.kill() }
    }

    /// Has those replaced that have rested.
    private func replaceRested() {
        guard !resting.isEmpty else { return }
        let now = monotonicNanoseconds()
        let due = resting.filter { $0.time <= now }
        resting.removeAll { $0.time <= now }
        for (worker, _) in due { perform(crew.rested(worker)) }
    }

    /// Hears of every process that ended or was started; returns whether there was any.
    private func look() -> Bool {
        core.bell.drain()
        // Those that end because of that are not replaced.
        if core.isClosing { crew.close() }
        var hasChanged = false
        for (place, entry) in zip(polledPlaces, polled.dropFirst()) where entry.revents != 0 {
            ended(place)
            hasChanged = true
        }
        if polled.dropFirst(polledPlaces.count + 1).contains(where: { $0.revents != 0 }) {
            source.lost()
            hasChanged = true
        }
        watchWorkers()
        replaceRested()
        let before = processes.count
        takeStarted(waiting: false)
        return hasChanged || processes.count != before
    }

    /// Takes what was started.
    private func takeStarted(waiting: Bool) {
        guard collect(waiting: waiting) != nil else { return }
        // Nobody will take up what they were inside of.
        for worker in crew.vacancies { core.abandon(worker) }
    }

    /// Looks after the batches; returns whether everything has come to its end.
    private func review() -> Bool {
        let order = core.review(now: monotonicNanoseconds(), isManned: crew.isManned)
        if order.isClosing {
            crew.close()
            for (place, process) in processes where crew.worker(in: place) == nil { process.kill() }
        }
        if let cause = order.ending ?? crew.ending {
            crew.end(cause)
            killAll()
        } else if order.hasWork, !crew.isManned {
            perform(crew.fill())
            if let refusal = collect(waiting: true), processes.isEmpty {
                core.failAll(.refused(refusal))
            }
            prepareToPoll()
        }
        for worker in order.condemned {
            if processes.keys.contains(where: { crew.worker(in: $0) == worker }) {
                verdicts[worker] = .needless
                kill(worker)
            } else {
                // It rests, or waits for a process: nobody is to take up what it left, and it need not rest for it.
                core.abandon(worker)
                for number in resting.indices where resting[number].worker == worker { resting[number].time = 0 }
            }
        }
        if order.repairs {
            remindAll()
            // What is being started for long is waited for, and found out if it never comes.
            let before = processes.count
            takeStarted(waiting: true)
            if processes.count != before { prepareToPoll() }
        }
        for batch in order.progress { batch.showProgress(isLast: false) }
        guard processes.isEmpty, crew.ending != nil || order.isClosing else { return false }
        // Those that were being started are not to be forgotten.
        _ = collect(waiting: true)
        killAll()
        reapAll()
        if let cause = crew.ending { core.endAll(cause) }
        return true
    }

    // MARK: - Processes

    private func perform(_ actions: [Crew.Action]) {
        for action in actions {
            switch action {
            case .start(let places):
                for place in places { memory.assignment(place).clear() }
                source.begin(places)
            case .assign(let place, let worker): assign(place, worker)
            }
        }
    }

    /// Makes the process in a place a worker; what the one before it left is in its line already.
    private func assign(_ place: Int, _ worker: Int) {
        // Whoever was condemned while the worker had no process was not killed.
        verdicts[worker] = nil
        memory.line(worker).pardon()
        memory.assignment(place).assign(worker)
    }

    /// Takes what was started; returns a refusal, if there was one.
    private func collect(waiting: Bool) -> SystemError? {
        var refusal: SystemError?
        for (place, result) in source.started(waiting: waiting) {
            switch result {
            case .success(let process):
                processes[place] = process
                if let action = crew.started(place) { perform([action]) }
                if crew.isEnding { process.kill() }
            case .failure(let error):
                crew.refused(place)
                refusal = error
            }
        }
        return refusal
    }

    /// Takes leave of a process: first its status, then what it published.
    private func ended(_ place: Int) {
        guard let process = processes.removeValue(forKey: place) else { return }
        hearOfProgress()
        var death = source.reap(process, in: place)
        unsafe death.explain(by: memory.crash(place).pointee, core.options)
        process.close()
        var sight = Crew.Sight(death: death, finished: false, report: nil, isReady: false, claimed: false)
        if let worker = crew.worker(in: place) {
            let verdict = verdicts.removeValue(forKey: worker)
            sight.isAlike = alike.remove(worker) != nil
            // Also of one that had begun no item.
            if verdict == .deadlocked { sight.death.blame = .deadlock }
            watch.forget(worker)
            let pause: Int
            (sight, pause) = core.ended(worker, sight, verdict)
            sight.rests = pause > 0
            if pause > 0 { resting.append((worker, monotonicNanoseconds() + pause)) }
            if !sight.finished, !sight.isAlike, verdict != .needless, !crew.isEnding,
                let excess = restarts.excess(at: monotonicNanoseconds())
            {
                crew.end(.restartedTooOften(excess, sight.death))
            }
        }
        perform(crew.ended(place, sight))
        if let cause = crew.ending { core.end(cause) }
    }

    /// Forgets what ended before it did anything, if items get done; asks once a second, so that a process that always ends at
    /// once is not started again and again without a pause.
    private func hearOfProgress() {
        let now = monotonicNanoseconds()
        guard now - lastProgress > 1_000_000_000 else { return }
        lastProgress = now
        if core.takeProgress() { crew.bearsFruit() }
    }

    /// Tells each process once more which worker it is, in case that it did not hear it.
    private func remindAll() {
        for place in processes.keys {
            if let worker = crew.worker(in: place) { memory.assignment(place).assign(worker) }
        }
    }

    private func kill(_ worker: Int) {
        for (place, process) in processes where crew.worker(in: place) == worker { process.kill() }
    }

    private func killAll() {
        for process in processes.values { process.kill() }
    }

    private func reapAll() {
        for (place, process) in processes {
            _ = source.reap(process, in: place)
            process.close()
        }
        processes = [:]
    }
}

/// An event that threads of this process wait for, once.
final class PrivateEvent: Sendable {
    private let isOver = Atomic(false)
    private let word = PrivateSignal()
    /// The thread that is to signal it, once it runs.
    private let signaller = Atomic<UInt>(0)

    /// Says that the calling thread is the one that will signal it.
    func promise() {
        signaller.store(UInt(pthread_self()), ordering: .relaxed)
    }

    /// Wakes everybody who waits, now and later.
    func signal() {
        isOver.store(true, ordering: .sequentiallyConsistent)
        word.signal()
    }

    /// Waits until it was signalled; the thread that is to do so does not wait for itself.
    func wait() {
        guard signaller.load(ordering: .relaxed) != UInt(pthread_self()) else { return }
        while !isOver.load(ordering: .sequentiallyConsistent) {
            word.wait { !isOver.load(ordering: .sequentiallyConsistent) }
        }
    }
}
