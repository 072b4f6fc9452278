// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc
import Testing

@testable import ForkPool

@Suite struct DeadlockProofTests {
    @Test("a process that can still go on is never proven dead, and goes on", arguments: HealthyState.allCases)
    func healthy(_ state: HealthyState) async {
        await #expect(processExitsWith: .success) { [state] in DeadlockProofScenes.healthy(state) }
    }

    @Test("a process whose only thread waits for ever is proven dead", arguments: HopelessState.allCases)
    func hopeless(_ state: HopelessState) async {
        await #expect(processExitsWith: .success) { [state] in DeadlockProofScenes.hopeless(state) }
    }

    @Test("a process that was just forked, or has just ended, is not proven dead")
    func young() async {
        await #expect(processExitsWith: .success) { DeadlockProofScenes.young() }
    }

    @Test("a process that is being woken by a thread that ends is not proven dead, however busy the machine")
    func waking() async {
        await #expect(processExitsWith: .success) { DeadlockProofScenes.waking() }
    }

    @Test("a process that is traced or stopped is not proven dead, and is proven once it goes on waiting")
    func stopped() async {
        await #expect(processExitsWith: .success) { DeadlockProofScenes.stopped() }
        await #expect(processExitsWith: .success) { DeadlockProofScenes.traced() }
    }

    @Test("a process is not proven dead while another can still supply the page of its word (userfaultfd)")
    func heldUp() async {
        await #expect(processExitsWith: .success) { DeadlockProofScenes.heldUp() }
    }

    @Test(
        "a process that asks in vain for what a thread of its parent initialises is seen to spin",
        .enabled(if: Looking.refusesForeignOwners))
    func spinning() async {
        await #expect(processExitsWith: .success) { DeadlockProofScenes.spinning() }
    }

    @Test(
        "several that spin are seen among others that do not, or have ended", .enabled(if: Looking.refusesForeignOwners)
    )
    func several() async {
        await #expect(processExitsWith: .success) { DeadlockProofScenes.several() }
    }

    @Test("a process that is busy with anything else is not proven to spin, and goes on", arguments: BusyState.allCases)
    func busy(_ state: BusyState) async {
        await #expect(processExitsWith: .success) { [state] in DeadlockProofScenes.busy(state) }
    }

    @Test("nothing is proven of a process that is not there")
    func absent() {
        #expect(ProcSample.take(of: .max) == nil)
        #expect(ProcSample.take(of: -1) == nil)
        #expect(StopSample.take(of: [(.max, -1)]) == [.otherwise])
        #expect(StopSample.take(of: []).isEmpty)
    }
}

/// Ways to keep a processor busy, mostly in the kernel, until the process is released.
enum BusyState: String, CaseIterable, Codable, Sendable {
    case yielding
    /// It tries a lock that another process holds.
    case asking
    /// It takes and releases such a lock without contention.
    case locking
    case mapping

    func enter(_ stage: Stage) {
        let word = UnsafeMutablePointer<UInt32>.allocate(capacity: 1)
        unsafe word.initialize(to: self == .asking ? 1 : 0)
        stage.arrivals.add(1)
        while !stage.isReleased {
            switch self {
            case .yielding: sched_yield()
            case .asking: unsafe Raw.futex(word, .tryLock)
            case .locking:
                unsafe Raw.futex(word, .lock)
                unsafe Raw.futex(word, .unlock)
            case .mapping:
                let page = unsafe mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)!
                unsafe munmap(page, 4096)
            }
        }
    }
}

private enum DeadlockProofScenes {
    static func spinning() {
        Scene.setDeadline()
        Held.begin()
        let pid = Looking.start { _ = opaque(Held.value) }
        #expect(Looking.isSuspected(pid))
        var found: [StopSample.Spin] = []
        while found.count < 5 {
            guard case .spin(let spin) = Looking.stopSample(pid) else { continue }
            found.append(spin)
        }
        #expect(found.allSatisfy { $0 == found[0] })
        // The owner is a thread of this process.
        #expect(unsafe access("/proc/self/task/\(found[0].owner)", F_OK) == 0)
        // The process goes on after each stop.
        #expect(Looking.see(pid) { $0.isBusyAlone })
        Looking.end(pid)
    }

    static func busy(_ state: BusyState) {
        Scene.setDeadline()
        let stage = Stage()
        let pid = Looking.start { state.enter(stage) }
        stage.waitForArrival()
        var seen = 0
        while seen < 30 {
            let sample = Looking.stopSample(pid)
            #expect(sample == .otherwise || sample == .unseen)
            if sample == .otherwise { seen += 1 }
        }
        #expect(Looking.see(pid) { $0.isBusyAlone })
        stage.releases.add(1)
        #expect(Process.wait(for: pid) == 0)
        #expect(Looking.stopSample(pid) == .otherwise)
    }

    static func several() {
        Scene.setDeadline()
        Held.begin()
        let stage = Stage()
        let spinning = (0..<8).map { _ in Looking.start { _ = opaque(Held.value) } }
        let busy = Looking.start { BusyState.locking.enter(stage) }
        let ended = Looking.start {}
        #expect(Looking.see(ended) { $0.before.hasEnded })
        #expect(spinning.allSatisfy(Looking.isSuspected))
        let pids = spinning + [busy, ended]
        let processes = pids.map { (pid: $0, descriptor: Process.descriptor(of: $0)) }
        var isFound = pids.map { _ in false }
        while isFound.contains(false) {
            for (number, sample) in StopSample.take(of: processes).enumerated() {
                // A sample may find a spinning process between two calls.
                switch sample {
                case .spin:
                    isFound[number] = true
                    #expect(number < spinning.count)
                case .otherwise: if number >= spinning.count { isFound[number] = true }
                case .unseen: #expect(pids[number] != ended)
                }
            }
        }
        for process in processes { close(process.descriptor) }
        stage.releases.add(1)
        for pid in spinning { Looking.end(pid) }
        for pid in [busy, ended] { #expect(Process.wait(for: pid) == 0) }
    }

    static func healthy(_ state: HealthyState) {
        Scene.setDeadline()
        let stage = Stage()
        let look = {
            let pid = Looking.start { state.enter(stage) }
            while stage.arrivals.value == 0 { #expect(!Looking.isProven(pid)) }
            #expect(Looking.see(pid, state.isReached))
            for _ in 0..<100 { #expect(!Looking.isProven(pid)) }
            // The process is still in the state that was sampled.
            #expect(Looking.see(pid, state.isReached))
            return pid
        }
        let pid = state == .locking ? stage.value.withLock { _ in look() } : look()
        state.release(pid, stage)
        #expect(Process.wait(for: pid) == 0)
    }

    static func hopeless(_ state: HopelessState) {
        Scene.setDeadline()
        let stage = Stage()
        state.prepare(stage)
        let pid = Looking.start { state.enter(stage) }
        #expect(Looking.waitForProof(pid))
        // For ever: the second sample may come at any time.
        if let first = ProcSample.take(of: pid), Looking.waitForProof(pid), let last = ProcSample.take(of: pid) {
            #expect(DeadlockProof.proves(first, last))
        } else {
            Issue.record("it is not there")
        }
        Looking.end(pid)
    }

    static func young() {
        Scene.setDeadline()
        for _ in 0..<100 {
            let pid = Looking.start { _ = opaque([UInt8](repeating: 1, count: 10_000)) }
            var info = unsafe siginfo_t()
            repeat {
                #expect(!Looking.isProven(pid))
                unsafe waitid(P_PID, id_t(pid), &info, WEXITED | WNOHANG | WNOWAIT)
            } while unsafe info.si_signo == 0
            #expect(!Looking.isProven(pid))
            #expect(Process.wait(for: pid) == 0)
        }
    }

    static func waking() {
        Scene.setDeadline()
        let stage = Stage()
        let pids = [HealthyState.computing, .computing].map { state in Looking.start { state.enter(stage) } }
        let pid = Looking.start {
            while !stage.isReleased {
                Process.onThread { unsafe sem_post(stage.semaphore) }
                while unsafe sem_wait(stage.semaphore) != 0 {}
            }
        }
        var waits = 0
        var looks = 0
        while looks < 600 || waits == 0 {
            looks += 1
            guard let first = ProcSample.take(of: pid), let second = ProcSample.take(of: pid) else { continue }
            if first.futex != nil { waits += 1 }
            #expect(!DeadlockProof.proves(first, second))
        }
        stage.releases.add(1)
        for pid in pids + [pid] { #expect(Process.wait(for: pid) == 0) }
    }

    static func stopped() {
        Scene.setDeadline()
        let stage = Stage()
        let pid = Looking.start { HopelessState.semaphore.enter(stage) }
        #expect(Looking.waitForProof(pid))
        kill(pid, SIGSTOP)
        #expect(Looking.see(pid) { !$0.before.isAsleep })
        for _ in 0..<100 { #expect(!Looking.isProven(pid)) }
        kill(pid, SIGCONT)
        #expect(Looking.waitForProof(pid))
        Looking.end(pid)
    }

    static func traced() {
        Scene.setDeadline()
        let stage = Stage()
        let pid = Looking.start {
            Raw.beTraced()
            HopelessState.semaphore.enter(stage)
        }
        #expect(Looking.see(pid) { $0.before.isAsleep && $0.futex != nil && $0.before.tracer != 0 })
        for _ in 0..<100 { #expect(!Looking.isProven(pid)) }
        Looking.end(pid)
    }

    static func heldUp() {
        Scene.setDeadline()
        let pid = Looking.start { Raw.waitForPage() }
        // Only the wait channel differs from a process that waits for ever. Where the system refuses, the process ends.
        let isHeldUp = Looking.see(pid) { look in
            look.futex != nil && look.before.isHelpless && !look.isInWait && !look.hasChildren
                || kill(pid, 0) == 0 && Files.text("/proc/\(pid)/status").contains("Z (zombie)")
        }
        #expect(isHeldUp)
        for _ in 0..<100 { #expect(!Looking.isProven(pid)) }
        kill(pid, SIGKILL)
        _ = Process.wait(for: pid)
    }
}

extension HealthyState {
    /// Whether a sample shows the process in the intended state.
    fileprivate func isReached(_ look: ProcSample) -> Bool {
        let sleepsAlone = look.before.isAsleep && look.before.threads == 1
        let waits = look.futex != nil && look.isInWait
        return switch self {
        case .computing, .yielding, .napping, .timing: true
        case .reading, .polling, .accepting: sleepsAlone && look.futex == nil
        case .reaping: sleepsAlone && look.futex == nil && look.hasChildren
        case .sharing, .locking: sleepsAlone && look.futex == nil && look.isInWait
        case .mutex, .condition, .semaphore: look.before.isAsleep && look.before.threads == 2 && waits
        case .thread: look.before.isAsleep && look.before.threads == 2 && look.futex == nil && look.isInWait
        // Only one thing differs from a process that waits for ever.
        case .handler: sleepsAlone && waits && !look.hasChildren && !look.before.isHelpless
        case .sharer: sleepsAlone && waits && look.hasChildren && look.before.isHelpless
        case .stopped: !look.before.isAsleep && look.before.threads == 1
        }
    }
}
