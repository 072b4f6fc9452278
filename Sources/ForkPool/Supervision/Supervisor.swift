internal import CForkPool
internal import Glibc
internal import Synchronization

/// Carries one map out: starts its workers, waits for their ends, and does what `MapMachine` decides.
struct Supervisor {
    private let context: WorkerContext
    private let doorbell: Int32?
    private var machine: MapMachine
    private var running: [Int: WorkerProcess] = [:]
    /// Whether a worker died in the middle of something.
    private var isTorn = false
    /// Where workers that run what another one left were to begin.
    private var firstItems: [Int: Int] = [:]
    private let claims: Claims

    private var memory: MapMemory { context.memory }
    private var count: Int { context.memory.count }

    /// Prepares to carry out a map; the doorbell is a descriptor that becomes readable when the caller cancels it.
    init(_ context: WorkerContext, doorbell: Int32?) {
        self.context = context
        self.doorbell = doorbell
        machine = MapMachine(count: context.memory.count, stopsAtFailure: context.stopsAtFailure)
        claims = unsafe Claims(cursor: context.memory.cursor, count: context.memory.count)
    }

    /// Runs the map to its end: when it returns, no worker is left.
    mutating func run() -> (machine: MapMachine, isTorn: Bool) {
        perform(machine.begin(workers: context.workers))
        repeat {
            while !machine.isIdle { waitForEnds() }
            // Every worker is gone, so what is unfinished now stays so. A cursor that a worker scribbled on is
            // not needed: what is left is handed out by name. Nor is the lowest failure, which is known here.
            let lost = unfinishedRanges()
            guard !lost.isEmpty else { break }
            claims.close()
            unsafe memory.lowestFailure.pointee.store(machine.lowestFailure, ordering: .relaxed)
            perform(machine.sweep(lost, workers: context.workers))
        } while !machine.isIdle
        return (machine, isTorn)
    }

    // MARK: - Waiting

    private mutating func waitForEnds() {
        let workers = running.keys.sorted()
        var entries = workers.map { worker in
            cforkpool_poll(fd: running[worker]!.descriptor, events: Int16(POLLIN), revents: 0)
        }
        // Rung once, the bell stays rung.
        if let doorbell, machine.ending == nil {
            entries.append(cforkpool_poll(fd: doorbell, events: Int16(POLLIN), revents: 0))
        }
        // A refusal (no memory for the kernel's own list) leaves one certain way: to wait for one worker.
        let ready = try? SystemError.check("ppoll") {
            unsafe entries.withUnsafeMutableBufferPointer {
                unsafe cforkpool_ppoll($0.baseAddress, Int32($0.count), -1)
            }
        }
        if ready == nil { entries[0].revents = Int16(POLLIN) }
        for (worker, entry) in zip(workers, entries) where entry.revents != 0 { end(worker) }
        if entries.count > workers.count, entries[workers.count].revents != 0 { perform([machine.cancel()]) }
    }

    /// Takes leave of a worker: first its status, then what it published.
    private mutating func end(_ worker: Int) {
        guard let process = running.removeValue(forKey: worker) else { return }
        let ending = process.reap()
        let sight = look(at: worker)
        if !sight.finished { isTorn = true }
        var actions: [MapMachine.Action] = []
        if context.stopsAtFailure {
            let lowest = unsafe memory.lowestFailure.pointee.load(ordering: .sequentiallyConsistent)
            if lowest >= 0, lowest < count, let action = machine.failed(lowest) { actions.append(action) }
        }
        let action = machine.ended(
            worker, pid: process.pid, ending, sight, crash: crash(of: worker, ending), open: claims.isOpen)
        if let action { actions.append(action) }
        perform(actions)
    }

    // MARK: - Acting

    private mutating func perform(_ actions: [MapMachine.Action]) {
        var starts: [(worker: Int, leftover: Range<Int>?)] = []
        for action in actions {
            switch action {
            case .start(let worker, let leftover): starts.append((worker, leftover))
            case .endAbove(let item): kill { $0 > item }
            case .endAll: kill { _ in true }
            }
        }
        guard !starts.isEmpty else { return }
        for (worker, leftover) in starts {
            firstItems[worker] = leftover?.lowerBound
            memory.line(worker).begin(leftover: leftover)
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

    /// Reads a dead worker's line once, and believes what can be true.
    private func look(at worker: Int) -> MapMachine.Sight {
        let line = memory.line(worker)
        let finished = unsafe line.finish.pointee.load(ordering: .acquiring) == ScoreLine.Finish.done
        let position = unsafe line.position.pointee.load(ordering: .relaxed)
        let end = unsafe line.end.pointee.load(ordering: .relaxed)
        // A line that says less than where the worker was to begin is damaged, and would be given out for ever.
        guard position >= firstItems[worker] ?? 0, position < end, end <= count else {
            return MapMachine.Sight(finished: finished, item: nil, leftover: nil, claimed: false)
        }
        let isUnfinished = unsafe memory.states[position].load(ordering: .acquiring) == ItemState.unfinished
        return MapMachine.Sight(
            finished: finished,
            item: isUnfinished ? position : nil,
            leftover: position + 1 < end ? position + 1..<end : nil,
            claimed: true)
    }

    private func crash(of worker: Int, _ ending: Ending) -> CrashText? {
        guard case .signal(let signal) = ending else { return nil }
        return unsafe CrashText(memory.crash(worker).pointee, of: signal)
    }

    /// The items that must have an outcome and have none, as ranges.
    private func unfinishedRanges() -> [Range<Int>] {
        guard machine.ending == nil, !memory.isComplete else { return [] }
        var ranges: [Range<Int>] = []
        var start: Int?
        let end = min(count, machine.lowestFailure)
        for item in 0..<end {
            let isLost =
                unsafe memory.states[item].load(ordering: .relaxed) == ItemState.unfinished
                && machine.causes[item] == nil
            if isLost, start == nil { start = item }
            if !isLost, let first = start {
                ranges.append(first..<item)
                start = nil
            }
        }
        if let start { ranges.append(start..<end) }
        return ranges
    }
}

extension CrashText {
    /// Copies a crash record, if it is of the signal that ended the worker.
    init?(_ record: cforkpool_crash, of signal: Int32) {
        guard record.signal == signal else { return nil }
        self.signal = signal
        address = record.address
        isStackOverflow = record.stack_overflow == 1
        let length = min(Int(record.length), Int(CFORKPOOL_CRASH_TEXT))
        message = unsafe withUnsafeBytes(of: record.text) { unsafe String(decoding: $0[..<length], as: UTF8.self) }
    }
}
