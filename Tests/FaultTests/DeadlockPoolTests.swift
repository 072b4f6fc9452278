import Glibc
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

    @Test("an idle worker of a resident pool is not proven dead", arguments: Way.allCases)
    func idle(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in DeadlockPoolScenes.idle(way) }
    }
}

private enum DeadlockPoolScenes {
    static func body() {
        let stage = Stage()
        let pids = PidPipe()
        Scene.survive { pool throws in
            Process.onThread {
                let pid = pids.receive()
                #expect(Looking.waitForProof(pid))
                kill(pid, SIGKILL)
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
        }
    }

    static func residentBody() {
        Scene.setDeadline()
        let stage = Stage()
        let pids = PidPipe()
        // From 64 MiB on a worker's memory is kept.
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
            #expect(Looking.waitForProof(pid))
            kill(pid, SIGKILL)
            #expect(failure { () throws(ForkPool.Failure) in try call.wait() }?.signal == SIGKILL)
            #expect(try pool(4) == 11)
        } catch {
            Issue.record(error)
        }
    }

    static func idle(_ way: Way) {
        ResidentScene.survive(way) { pool throws in
            let pid = try Int32(pool(.pid))
            #expect(Looking.see(pid) { $0.before.isAsleep })
            for _ in 0..<100 { #expect(!Looking.isProven(pid)) }
            #expect(try pool(.give(1)) == 1)
        }
    }
}
