// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Glibc
internal import Synchronization

/// Forks workers from a process of its own that did nothing since the pool was made.
///
/// So each worker finds the memory as it was then, or when a killed or retired template was replaced. The template reaps its
/// children, and they die with it.
final class Template {
    private let worker: WorkerMain
    private let layout: RegionLayout
    private let forker: Forker
    private let mapping: Mapping
    private var process: ProcessHandle?
    /// What was asked of the template and is not answered.
    private var asked: [Int] = []
    private var results: Started = []
    private var requests: UInt32 = 0
    /// How many templates ended while they were asked, one after the other.
    private var lostInARow = 0
    /// After so many it is taken for a refusal.
    private static let mostLost = 4
    /// The ids of what this very template forked: only that it can reap.
    private var own: Set<Int32> = []

    private var request: UnsafeMutablePointer<cforkpool_request> {
        unsafe mapping.base.assumingMemoryBound(to: cforkpool_request.self)
    }
    private var children: UnsafeMutablePointer<Int32> {
        unsafe (mapping.base + MemoryLayout<cforkpool_request>.size).assumingMemoryBound(to: Int32.self)
    }

    init(_ worker: WorkerMain, layout: RegionLayout, forker: Forker) throws(SystemError) {
        self.worker = worker
        self.layout = layout
        self.forker = forker
        mapping = try Mapping(
            size: Mapping.pages(
                MemoryLayout<cforkpool_request>.size + 2 * layout.processSlots * MemoryLayout<Int32>.size))
    }

    /// Whether it is to start processes and has not answered.
    var isAsked: Bool { !asked.isEmpty }

    func begin(_ slots: [Int]) {
        finishAsked()
        guard let refusal = ensureTemplate() else {
            for (number, slot) in slots.enumerated() { unsafe children[number] = Int32(slot) }
            asked = slots
            ask(forks: slots.count)
            return
        }
        results += slots.map { ($0, .failure(refusal)) }
    }

    func started(waiting: Bool) -> Started {
        if waiting || isAnswered { finishAsked() }
        return exchange(&results, with: [])
    }

    func reap(_ process: ProcessHandle, in slot: Int) -> ProcessExit {
        finishAsked()
        forker.release(process)
        guard own.remove(process.pid) != nil, isAlive else { return orphaned(process) }
        guard askToReap(process.pid, in: slot) else { return orphaned(process) }
        let answer = unsafe request.pointee
        guard answer.reap_error == 0 else { return ProcessExit(pid: process.pid, .unknown) }
        return ProcessExit(pid: process.pid, answer.ending)
    }

    /// How a process ended whose template did before: by the signal that it then gets, unless it is ours to reap now,
    /// as it is for the first process of a container.
    private func orphaned(_ process: ProcessHandle) -> ProcessExit {
        let exit = forker.reap(process)
        return exit.status == .unknown ? ProcessExit(pid: process.pid, .signal(SIGKILL)) : exit
    }

    /// A descriptor that is readable when the template has ended, if there is one.
    var watched: Int32? { process?.descriptor }

    func reopen(_ closed: Set<Int32>) {
        if let process, closed.contains(process.descriptor) { self.process = process.reopened() ?? process }
    }

    func lost() {
        guard process != nil, !isAlive else { return }
        finishAsked()
        // Another one took its slot, if it was lost in the middle of something.
        if !isAlive { close() }
    }

    deinit {
        close()
    }

    /// How long a template that may not be killed has to end by itself, in nanoseconds.
    private static let grace = 1_000_000_000

    /// Has the template end, and with it what it forked.
    func end() {
        guard let process, forker.kill(process) != nil else { return }
        unsafe request.pointee.is_ending = 1
        ask(forks: 0)
    }

    /// Ends the template and waits for that.
    func close() {
        guard let process else { return }
        end()
        // One that does not end is left to itself: it ends with this process.
        self.process = nil
        guard process.ends(within: Self.grace) else { return forker.abandon(process) }
        forker.reap(process)
        process.close()
    }

    // MARK: - Asking

    private var answered: UInt32 { unsafe answerWord.pointee.load(ordering: .sequentiallyConsistent) }

    private var answerWord: UnsafeMutablePointer<Atomic<UInt32>> {
        unsafe UnsafeMutableRawPointer(request).advanced(by: MemoryLayout<UInt32>.size)
            .assumingMemoryBound(to: Atomic<UInt32>.self)
    }

    private var isAnswered: Bool { answered == requests }

    private var isAlive: Bool {
        guard let process else { return false }
        return !EventFD.isReadable(process.descriptor)
    }

    private func ask(forks: Int) {
        unsafe request.pointee.forks = Int32(forks)
        requests &+= 1
        unsafe cforkpool_template_ask(request)
    }

    /// Has the template reap a child; returns false if there is no answer.
    private func askToReap(_ pid: Int32, in slot: Int) -> Bool {
        unsafe request.pointee.reaped = pid
        unsafe request.pointee.reaped_number = Int32(slot)
        ask(forks: 0)
        defer { unsafe request.pointee.reaped = 0 }
        return waitForAnswer()
    }

    /// Waits until the template has answered; returns false if it ended before, or had to be killed because it never would.
    private func waitForAnswer() -> Bool {
        var suspicion: ProcSample?
        while !isAnswered {
            let seen = answered
            guard seen != requests else { continue }
            // A template that was killed answers nothing, so the wait ends every 20 ms.
            let result = unsafe cforkpool_futex_wait(futex(answerWord), seen, 20_000_000)
            guard result == -ETIMEDOUT else { continue }
            guard let process, isAlive else { return isAnswered }
            let look = ProcSample.take(of: process.pid)
            if let first = suspicion, let look, DeadlockProof.proves(first, look) { _ = forker.kill(process) }
            suspicion = look?.isHelpless == true ? look : nil
            // Nothing but this pool has a reason to stop or to continue it.
            if look?.before.isStopped == true { forker.resume(process) }
        }
        return true
    }

    private func finishAsked() {
        guard !asked.isEmpty else { return }
        let slots = asked
        asked = []
        guard waitForAnswer() else {
            // This is no refusal: ask another template, unless one after the other was lost.
            lostInARow += 1
            guard lostInARow < Self.mostLost else {
                lostInARow = 0
                let lost = SystemError(call: "fork", code: ECHILD)
                return results += slots.map { ($0, .failure(lost)) }
            }
            begin(slots)
            return finishAsked()
        }
        lostInARow = 0
        for (number, slot) in slots.enumerated() { results.append((slot, unsafe open(children[number], in: slot))) }
        unsafe request.pointee.forks = 0
    }

    private func open(_ pid: Int32, in slot: Int) -> Result<ProcessHandle, SystemError> {
        guard pid > 0 else { return .failure(SystemError(call: "fork", code: -pid)) }
        let descriptor = cforkpool_pidfd_open(pid)
        guard descriptor >= 0 else {
            // It waits for its assignment: nothing is lost with it.
            kill(pid, SIGKILL)
            _ = askToReap(pid, in: slot)
            return .failure(SystemError(call: "pidfd_open", code: -descriptor))
        }
        own.insert(pid)
        let process = ProcessHandle(pid: pid, descriptor: descriptor)
        forker.adopt(process)
        return .success(process)
    }

    /// Starts the template if there is none, or none any more; returns why that was refused.
    private func ensureTemplate() -> SystemError? {
        if isAlive { return nil }
        close()
        own = []
        requests = 0
        unsafe request.pointee.asked = 0
        unsafe request.pointee.answered = 0
        unsafe request.pointee.is_ending = 0
        // The processes that kept memory ended with the template before.
        for number in 0..<2 * layout.processSlots { unsafe children[number] = 0 }
        unsafe madvise(mapping.base, mapping.size, MADV_DOFORK)
        var template = unsafe cforkpool_template(
            entry: WorkerMain.waitAndRun, context: Unmanaged.passUnretained(worker).toOpaque(),
            crashes: layout.crash(0), notice: layout.noticeWord.assumingMemoryBound(to: UInt32.self),
            request: request, request_size: mapping.size, numbers: Int32(layout.processSlots),
            ignored_signals: worker.settings.ignoredSignals, dumps_core: worker.settings.dumpsCore,
            holds_memory: cforkpool_has_much_memory())
        let started = unsafe withUnsafeMutablePointer(to: &template) { template in
            unsafe forker.start([
                cforkpool_start(
                    entry: cforkpool_template_main, context: UnsafeMutableRawPointer(template), worker: 0,
                    crash: nil, known: nil, keeps_signals_blocked: true, ignored_signals: 0, pid: 0, pidfd: -1,
                    failed_call: nil)
            ])
        }
        switch started[0] {
        case .success(let process):
            self.process = process
            // What later forks of this process scribble on, the template must not act on.
            unsafe madvise(mapping.base, mapping.size, MADV_DONTFORK)
            return nil
        case .failure(let error): return error
        }
    }
}
