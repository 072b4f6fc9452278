// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Synchronization
import Testing

@Suite struct ThreadEndTests {
    @Test(
        "E11: maps, calls and workers outlive the threads that made them, each of which ends", arguments: Kind.allCases)
    func threadsEnd(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            await ThreadEndScenes.threadsEnd(kind)
            // A one-shot map is over before its thread can end.
            guard kind != .oneShot else { return }
            ThreadEndScenes.submittingThreadEnds(kind)
            ThreadEndScenes.startingThreadEnds(kind)
        }
    }
}

/// Runs each job of a task on a new thread, which then ends.
private final class ThreadForEach: TaskExecutor {
    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        Process.onThread { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

private enum ThreadEndScenes {
    /// Items of some 20 ms get done, so no worker ended with the thread that made it.
    private static let slow: [Deed] = (0..<12).map { _ in .nap(5) } + [.give(7)]
    private static let expected = Array(repeating: -1, count: 12) + [7]

    static func threadsEnd(_ kind: Kind) async {
        Scene.setDeadline()
        let pristine = Census.now()
        await Task(executorPreference: ThreadForEach()) {
            do throws(ForkPool.Failure) {
                let pool = try kind.start(Performer())
                for _ in 0..<3 { #expect(try await pool.map(slow) == expected) }
                #expect(try await pool(.nap(20)) == -1)
                await pool.finish()
                #expect(try await ForkPool(workers: 2).map(0..<10) { $0 * $0 } == Scene.squares)
            } catch {
                Issue.record(error)
            }
        }.value
        Scene.expectNothingLeft(since: pristine)
    }

    static func submittingThreadEnds(_ kind: Kind) {
        Scene.survive(kind) { pool throws in
            let meeting = Rendezvous()
            let path = meeting.path
            let submitted = Mutex<[ForkPool.Call<Int>]>([])
            Threads.run(3) { number in
                let call = pool.submit(.wait(at: path, 1, then: .give(number)))
                submitted.withLock { $0.append(call) }
            }
            // The threads have been joined.
            meeting.arrive()
            let answers = try submitted.withLock { $0 }.map { try $0.wait() }
            #expect(answers.sorted() == [0, 1, 2])
        }
    }

    static func startingThreadEnds(_ kind: Kind) {
        Scene.leaveNothing { () throws in
            let made = Mutex<Scene.Pool?>(nil)
            Threads.run(1) { _ in
                let pool = try? kind.start(Performer(), workers: 2)
                made.withLock { $0 = pool }
            }
            let pool = made.withLock { pool in
                defer { pool = nil }
                return pool
            }!
            try Scene.answersRight(pool)
            let before = try pool.map((0..<20).map { _ in .pid })
            // The thread that started the pool is gone when the replacement starts.
            #expect(failure { () throws(ForkPool.Failure) in try pool(.exit(1)) }?.exitStatus == 1)
            try Scene.answersRight(pool)
            #expect(!before.isEmpty)
            pool.close()
        }
    }
}
