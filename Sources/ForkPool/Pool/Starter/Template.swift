internal import CForkPool
internal import Glibc
internal import Synchronization

/// Forks workers from a process of its own that did nothing since the pool was made.
///
/// So each worker finds the memory as it was then (or, if somebody kills the template or it is distrusted, as it was when that
/// was found), and
/// neither the size of this process's memory nor what its threads are in the middle of weighs on a fork. The template's
/// children are reaped by the template, and die with it.
final class Template {
    private let worker: WorkerMain
    private let layout: RegionLayout
    private let eventFD: Int32
    private let mapping: Mapping
    private var process: ProcessHandle?
    /// What was asked of the template and is not answered.
    private var asked: [Int] = []
    private var results: [(slot: Int, process: Result<ProcessHandle, SystemError>)] = []
    private var requests: UInt32 = 0
    /// How many templates ended while they were asked, one after the other.
    private var lostInARow = 0
    /// After so many it is taken for a refusal.
    private static let mostLost = 4
    /// The descriptors of what this very template forked: only that it can reap.
    private var own: Set<Int32> = []

    private var orders: UnsafeMutablePointer<cforkpool_orders> {
        unsafe mapping.base.assumingMemoryBound(to: cforkpool_orders.self)
    }
    private var children: UnsafeMutablePointer<Int32> {
        unsafe (mapping.base + MemoryLayout<cforkpool_orders>.size).assumingMemoryBound(to: Int32.self)
    }

    init(_ worker: WorkerMain, layout: RegionLayout, eventFD: Int32) throws(SystemError) {
        self.worker = worker
        self.layout = layout
        self.eventFD = eventFD
        mapping = try Mapping(
            size: Mapping.pages(
                MemoryLayout<cforkpool_orders>.size + 2 * layout.processSlots * MemoryLayout<Int32>.size))
    }

    /// Begins to fork a process for each of these slots; `started` has them then or later.
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

    /// What has been forked, or refused, since it was last asked.
    func started(waiting: Bool) -> [(slot: Int, process: Result<ProcessHandle, SystemError>)] {
        if waiting || isAnswered { finishAsked() }
        defer { results = [] }
        return results
    }

    /// Waits for the end of a process, which is certain, and tells how it was.
    func reap(_ process: ProcessHandle, in slot: Int) -> ProcessExit {
        finishAsked()
        guard own.remove(process.descriptor) != nil, isAlive else { return orphaned(process) }
        unsafe orders.pointee.reaped = process.pid
        unsafe orders.pointee.reaped_number = Int32(slot)
        ask(forks: 0)
        unsafe orders.pointee.forks = 0
        defer { unsafe orders.pointee.reaped = 0 }
        guard waitForAnswer() else { return orphaned(process) }
        let answer = unsafe orders.pointee
        guard answer.reap_error == 0 else { return ProcessExit(pid: process.pid, .unknown) }
        return ProcessExit(pid: process.pid, answer.ending)
    }

    /// How a process ended whose template did before: by the signal that it then gets, unless it is ours to reap now,
    /// as it is for the first process of a container.
    private func orphaned(_ process: ProcessHandle) -> ProcessExit {
        let exit = process.reap()
        return exit.status == .unknown ? ProcessExit(pid: process.pid, .signal(SIGKILL)) : exit
    }

    /// A descriptor that is readable when the template has ended, if there is one.
    var watched: Int32? { process?.descriptor }

    /// Takes leave of the template, if it has ended.
    func lost() {
        guard process != nil, !isAlive else { return }
        finishAsked()
        // Another one took its slot, if it was lost in the middle of something.
        if !isAlive { endProcess() }
    }

    /// Ends the template, and with it whatever it forked.
    func close() {
        endProcess()
    }

    deinit {
        endProcess()
    }

    private func endProcess() {
        guard let process else { return }
        process.kill()
        process.reap()
        process.close()
        self.process = nil
    }

    // MARK: - Asking

    /// How many requests the template has answered.
    private var answered: UInt32 {
        let word = unsafe UnsafeMutableRawPointer(orders).advanced(by: MemoryLayout<UInt32>.size)
            .assumingMemoryBound(to: Atomic<UInt32>.self)
        return unsafe word.pointee.load(ordering: .sequentiallyConsistent)
    }

    private var isAnswered: Bool { answered == requests }

    private var isAlive: Bool {
        guard let process else { return false }
        var entry = cforkpool_poll(fd: process.descriptor, events: Int16(POLLIN), revents: 0)
        // What nobody can tell has not ended.
        return (try? SystemError.check("ppoll") { unsafe cforkpool_ppoll(&entry, 1, 0) }) ?? 0 == 0
    }

    private func ask(forks: Int) {
        unsafe orders.pointee.forks = Int32(forks)
        requests &+= 1
        unsafe cforkpool_template_ask(orders)
    }

    /// Waits until the template has answered; returns false if it ended before, or had to be killed because it never would.
    private func waitForAnswer() -> Bool {
        let word = unsafe UnsafeMutableRawPointer(orders).advanced(by: MemoryLayout<UInt32>.size)
            .assumingMemoryBound(to: UInt32.self)
        var suspicion: ProcSample?
        while !isAnswered {
            // A template that was killed answers nothing: so often somebody looks.
            let seen = answered
            guard seen != requests else { continue }
            let result = unsafe cforkpool_futex_wait(word, seen, 20_000_000)
            guard result == -ETIMEDOUT else { continue }
            guard let process, isAlive else { return isAnswered }
            let look = ProcSample.take(of: process.pid)
            if let first = suspicion, let look, DeadlockProof.proves(first, look) { process.kill() }
            suspicion = look?.isHelpless == true ? look : nil
        }
        return true
    }

    /// Takes what was asked as done, and opens what was started.
    private func finishAsked() {
        guard !asked.isEmpty else { return }
        let slots = asked
        asked = []
        guard waitForAnswer() else {
            // Nobody refused anything: another one is asked, unless that was lost, too, again and again.
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
        for (number, slot) in slots.enumerated() {
            let pid = unsafe children[number]
            results.append((slot, open(pid, in: slot)))
        }
        unsafe orders.pointee.forks = 0
    }

    private func open(_ pid: Int32, in slot: Int) -> Result<ProcessHandle, SystemError> {
        guard pid > 0 else { return .failure(SystemError(call: "fork", code: -pid)) }
        let descriptor = cforkpool_pidfd_open(pid)
        guard descriptor >= 0 else {
            // It waits for its assignment: nothing is lost with it.
            kill(pid, SIGKILL)
            unsafe orders.pointee.reaped = pid
            unsafe orders.pointee.reaped_number = Int32(slot)
            ask(forks: 0)
            _ = waitForAnswer()
            unsafe orders.pointee.reaped = 0
            return .failure(SystemError(call: "pidfd_open", code: -descriptor))
        }
        own.insert(descriptor)
        return .success(ProcessHandle(pid: pid, descriptor: descriptor))
    }

    /// Starts the template if there is none, or none any more; returns why that was refused.
    private func ensureTemplate() -> SystemError? {
        if isAlive { return nil }
        endProcess()
        own = []
        requests = 0
        unsafe orders.pointee.asked = 0
        unsafe orders.pointee.answered = 0
        // The processes that kept memory ended with the template before.
        for number in 0..<2 * layout.processSlots { unsafe children[number] = 0 }
        unsafe madvise(mapping.base, mapping.size, MADV_DOFORK)
        var template = unsafe cforkpool_template(
            entry: WorkerMain.waitAndRun, context: Unmanaged.passUnretained(worker).toOpaque(),
            crashes: layout.crash(0), eventfd: eventFD, orders: orders, orders_size: mapping.size,
            numbers: Int32(layout.processSlots))
        let started = unsafe withUnsafeMutablePointer(to: &template) { template in
            unsafe ProcessHandle.start([
                cforkpool_start(
                    entry: cforkpool_template_main, context: UnsafeMutableRawPointer(template), worker: 0,
                    crash: nil, keeps_signals_blocked: true, pid: 0, pidfd: -1, failed_call: nil)
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
