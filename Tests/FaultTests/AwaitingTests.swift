// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@MainActor private var mainNumber: Int { 7 }

/// An actor whose thread is not there, as that of the main actor is not in a fork of most programs.
private actor Elsewhere {
    final class Executor: SerialExecutor {
        func enqueue(_ job: consuming ExecutorJob) {}
    }

    private let executor = Executor()
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    var number: Int { 7 }
}

/// Awaits an actor of another thread, the main actor, or a sleep.
struct Awaiting: ForkPool.Job {
    func run(_ item: Int) async throws -> Int {
        switch item {
        case 0: return await Elsewhere().number
        case 1: return await mainNumber
        case 2:
            try await Task.sleep(for: .seconds(600))
            return item
        default: return item
        }
    }
}

/// What a fork cannot deliver, since it has no thread for it.
@Suite struct AwaitingTests {
    @Test("A13: a job by fork that awaits what no thread of it delivers fails, and the failure says so")
    func nothingDelivers() async {
        await #expect(processExitsWith: .success) {
            Scene.leaveNothing { () throws in
                let pool = try ForkPool(workers: 1).resident(Awaiting(), start: .fork)
                let failure = failure { () throws(ForkPool.Failure) in try pool(0) }
                #expect(failure?.code == .deadlocked, "\(String(describing: failure))")
                #expect(failure?.message.contains("such as the main actor") == true, "\(String(describing: failure))")
                #expect(failure?.message.contains("start: .exec") == true && failure?.message.contains("lock") == false)
                #expect(try pool(3) == 3)
                pool.close()
                // A worker by exec has a main thread.
                let other = try ForkPool(workers: 1).resident(Awaiting(), start: .exec)
                #expect(try other(1) == 7)
                other.close()
            }
        }
    }

    @Test("A13: a timeout of a fork that only waited says what a fork does not have", arguments: Kind.allCases)
    func timeout(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            let options = ForkPool.Options(chunk: .fixed(1), timeout: .milliseconds(700))
            kind.survive([.nap(600_000), .spin], options: options) { results in
                let (napped, spun) = (results[0].failure, results[1].failure)
                #expect(napped?.code == .timedOut && spun?.code == .timedOut)
                #expect(napped?.message.contains("Foundation's Process") == (kind != .exec), "\(results)")
                #expect(spun?.message.contains("Foundation's Process") == false, "\(results)")
            }
        }
    }

    @Test("A13: a timeout of a job by fork that awaits a sleep says what it awaited")
    func sleep() async {
        await #expect(processExitsWith: .success) {
            let options = ForkPool.Options(timeout: .milliseconds(300))
            Scene.leaveNothing { () throws in
                let pool = try ForkPool(workers: 1, options: options).resident(Awaiting(), start: .fork)
                let failure = failure { () throws(ForkPool.Failure) in try pool(2) }
                #expect([.timedOut, .deadlocked].contains(failure?.code), "\(String(describing: failure))")
                #expect(failure?.message.contains("Task.sleep") == true, "\(String(describing: failure))")
                pool.close()
            }
        }
    }
}
