// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc
import Synchronization
import Testing

@testable import ForkPool

@Suite struct DeadlockPoolTests {
    @Test("a body that waits for ever is proven dead, in a map")
    func body() async {
        await #expect(processExitsWith: .success) { DeadlockPoolScenes.body() }
    }

    @Test("a body that waits for ever is proven dead, in a resident pool that keeps its workers' memory")
    func residentBody() async {
        await #expect(processExitsWith: .success) { DeadlockPoolScenes.residentBody() }
    }

    @Test("E7: a resident pool is made while another thread walks the list of exit handlers")
    func exitHandlers() async {
        await #expect(processExitsWith: .success) { DeadlockPoolScenes.exitHandlers() }
    }

    @Test("an idle worker of a resident pool is not proven dead", arguments: Kind.resident)
    func idle(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in DeadlockPoolScenes.idle(kind) }
    }
}

private enum DeadlockPoolScenes {
    static func exitHandlers() {
        Scene.setDeadline()
        typealias Finalize = @convention(c) (UnsafeMutableRawPointer?) -> Void
        let finalize = unsafe unsafeBitCast(dlsym(nil, "__cxa_finalize")!, to: Finalize.self)
        let isOver = Atomic(false)
        let isBusy = Atomic(true)
        Process.onThread {
            // No library has this handle: no handler runs, and the lock of the list is held most of the time.
            let handle = UnsafeMutableRawPointer.allocate(byteCount: 8, alignment: 8)
            while !isOver.load(ordering: .relaxed) {
                if isBusy.load(ordering: .relaxed) { unsafe finalize(handle) } else { sched_yield() }
            }
            unsafe handle.deallocate()
        }
        do {
            for number in 0..<6 {
                // All 40 wait, more than the pool allows to end in a row before they do anything.
                let workers = number == 0 ? 40 : 1
                isBusy.store(true, ordering: .relaxed)
                let pool = try ForkPool(workers: workers).resident { (item: Int) in item + number }
                isBusy.store(false, ordering: .relaxed)
                // In a worker the copied lock is held for ever; the pool proves such a worker dead and replaces it.
                #expect(try pool.map([1]) == [number + 1])
                pool.cancel()
            }
        } catch {
            Issue.record(error)
        }
        isOver.store(true, ordering: .relaxed)
    }

    static func body() {
        let stage = Stage()
        let pids = PidPipe()
        Scene.survive { pool throws in
            let isSeen = Atomic(false)
            Threads.run(2) { number in
                guard number == 0 else {
                    let pid = pids.receive()
                    guard Looking.waitForProof(pid) else { return }
                    isSeen.store(true, ordering: .relaxed)
                    kill(pid, SIGKILL)
                    return
                }
                let results = pool.mapResults(0..<6) { item in
                    if item == 3 {
                        pids.send()
                        unsafe sem_wait(stage.semaphore)
                    }
                    return item
                }
                #expect(results.map(\.value) == [0, 1, 2, nil, 4, 5])
                #expect(results[3].failure?.signal == SIGKILL)
                // If the pool reaped the worker first, the other thread got no proof.
                if results[3].failure?.code == .deadlocked { isSeen.store(true, ordering: .relaxed) }
            }
            let wasSeen = isSeen.load(ordering: .relaxed)
            #expect(wasSeen)
        }
    }

    static func residentBody() {
        Scene.setDeadline()
        let stage = Stage()
        let pids = PidPipe()
        // From 64 MiB on another process holds a worker's memory.
        let much = [UInt8](repeating: 7, count: 100 << 20)
        do {
            let pool = try ForkPool(workers: 1).resident { (item: Int) -> Int in
                if item == 3 {
                    pids.send()
                    unsafe sem_wait(stage.semaphore)
                }
                return item + Int(much[item])
            }
            let call = pool.submit(3)
            let pid = pids.receive()
            let isSeen = Looking.waitForProof(pid)
            if isSeen { kill(pid, SIGKILL) }
            let failed = failure { () throws(ForkPool.Failure) in try call.wait() }
            // If the pool reaped the worker first, this thread got no proof.
            #expect(failed?.signal == SIGKILL && (isSeen || failed?.code == .deadlocked))
            #expect(try pool(4) == 11)
        } catch {
            Issue.record(error)
        }
    }

    static func idle(_ kind: Kind) {
        Scene.survive(kind) { pool throws in
            let pid = try Int32(pool(.pid))
            #expect(Looking.see(pid) { $0.before.isAsleep })
            for _ in 0..<100 { #expect(!Looking.isProven(pid)) }
            #expect(try pool(.give(1)) == 1)
        }
    }
}
