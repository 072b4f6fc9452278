import ForkPool
import Glibc
import Synchronization
import Testing

@Suite struct ResidentHostTests {
    @Test("E5: a storm of SIGALRM with a handler spoils nothing of a resident pool", arguments: Way.allCases)
    func signalStorm(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentHostScenes.signalStorm(way) }
    }

    @Test("E9: text that was not flushed when a resident pool was made appears once", arguments: Way.allCases)
    func unflushedText(_ way: Way) async {
        let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) { [way] in
            ResidentHostScenes.unflushedText(way)
        }
        let text = String(decoding: result?.standardOutputContent ?? [], as: UTF8.self)
        #expect(text.split(separator: "before the pool", omittingEmptySubsequences: false).count == 2, "\(text)")
        // What a body prints is written, also when it exits.
        #expect(text.split(separator: "in item", omittingEmptySubsequences: false).count == 5, "\(text)")
    }

    @Test("E11: maps and calls outlive the threads that made them, each of which ends", arguments: Kind.allCases)
    func threadsEnd(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in await ResidentHostScenes.threadsEnd(kind) }
    }

    @Test("E11: a call is answered although the thread that submitted it has ended", arguments: Way.allCases)
    func submittingThreadEnds(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentHostScenes.submittingThreadEnds(way) }
    }
}

/// Prints its item, if that is not negative, and exits if it is told to.
struct Printing: PlainJob {
    typealias Input = Int
    typealias Output = Int

    func act(_ item: Int) throws -> Int {
        if item >= 0 { print("in item \(item)") }
        if item == 3 { exit(0) }
        return item
    }
}

/// Runs each piece of a task on a thread of its own, which ends with it.
private final class ThreadForEach: TaskExecutor {
    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        Process.onThread { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

/// Ticks that the storm's handler counted.
nonisolated(unsafe) private var ticks = 0

private enum ResidentHostScenes {
    static func signalStorm(_ way: Way) {
        let pristine = Census.now()
        // No alarm is left to end a hang, so the handler does.
        signal(SIGALRM) { _ in
            unsafe ticks += 1
            if unsafe ticks > 30_000 { abort() }
        }
        var each = itimerval()
        each.it_interval.tv_usec = 1000
        each.it_value.tv_usec = 1000
        _ = unsafe setitimer(__itimer_which_t(ITIMER_REAL.rawValue), &each, nil)
        do {
            let pool = try way.start(Performer())
            var rounds = 0
            while unsafe ticks < 200 || rounds < 5 {
                #expect(try pool.map((0..<40).map { .give($0) }) == Array(0..<40))
                let results = pool.mapResults((0..<8).map { $0 == 3 ? .raise(SIGKILL) : .give($0) })
                #expect(results.map(\.value) == [0, 1, 2, nil, 4, 5, 6, 7])
                #expect(results[3].failure?.signal == SIGKILL)
                #expect(try pool(.give(rounds)) == rounds)
                rounds += 1
            }
            pool.close()
        } catch {
            Issue.record(error)
        }
        ResidentScene.expectNothingLeft(since: pristine)
        var never = itimerval()
        _ = unsafe setitimer(__itimer_which_t(ITIMER_REAL.rawValue), &never, nil)
    }

    static func unflushedText(_ way: Way) {
        print("before the pool", terminator: " ")
        let answers: (ForkPool.Resident<Int, Int>) throws(ForkPool.Failure) -> Void = {
            (pool) throws(ForkPool.Failure) in
            #expect(try pool.map([-1, -2, -3]) == [-1, -2, -3])
        }
        ResidentScene.survive(Printing(), way, answers) { pool throws in
            #expect(pool.mapResults(0..<4).map(\.value) == [0, 1, 2, nil])
        }
    }

    /// That what takes some 20 ms is done shows that no worker went with a thread.
    private static let slow: [Deed] = (0..<12).map { _ in .nap(5) } + [.give(7)]
    private static let expected = Array(repeating: -1, count: 12) + [7]

    static func threadsEnd(_ kind: Kind) async {
        Scene.setDeadline()
        let pristine = Census.now()
        await Task(executorPreference: ThreadForEach()) {
            do throws(ForkPool.Failure) {
                let pool = ForkPool(workers: 2)
                if let way = Way(kind) {
                    let resident = try way.start(Performer())
                    for _ in 0..<3 { #expect(try await resident.map(slow) == expected) }
                    #expect(try await resident(.nap(20)) == -1)
                    await resident.finish()
                } else {
                    for _ in 0..<3 { #expect(try await pool.map(slow) { try $0.perform() } == expected) }
                }
                #expect(try await pool.map(0..<10) { $0 * $0 } == Scene.squares)
            } catch {
                Issue.record(error)
            }
        }.value
        ResidentScene.expectNothingLeft(since: pristine)
    }

    static func submittingThreadEnds(_ way: Way) {
        ResidentScene.survive(way) { pool throws in
            let meeting = Rendezvous()
            let path = meeting.path
            let submitted = Mutex<[ForkPool.Call<Int>]>([])
            Process.onThreads(3) { number in
                let call = pool.submit(.wait(at: path, 1, then: .give(number)))
                submitted.withLock { $0.append(call) }
            }
            // The threads have been joined.
            meeting.arrive()
            let answers = try submitted.withLock { $0 }.map { try $0.wait() }
            #expect(answers.sorted() == [0, 1, 2])
        }
    }
}
