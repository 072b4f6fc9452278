// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite struct IdleTests {
    @Test(
        "D: an idle resident pool runs nothing: the kernel never switches to a worker, template or supervisor",
        arguments: Kind.resident)
    func idle(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in IdleScenes.idle(kind) }
    }

    @Test("D: a supervisor that waits for the items below a failure does not spin", arguments: Kind.resident)
    func failing(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in IdleScenes.failing(kind) }
    }

    @Test("D: a caller, and a task, that wait for a long call do not spin", arguments: Kind.resident)
    func waiting(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in await IdleScenes.waiting(kind) }
    }
}

private enum IdleScenes {
    /// The ticks of processor time, a hundredth of a second each, that this process has used.
    private static var ticks: Int {
        let fields = Files.text("/proc/self/stat").split(separator: " ")
        return (Int(fields[13]) ?? 0) + (Int(fields[14]) ?? 0)
    }

    /// The threads of this process.
    private static var threads: Set<String> {
        Set(Files.names(in: "/proc/self/task").filter { !$0.hasPrefix(".") }.map { "/proc/self/task/" + $0 })
    }

    static func idle(_ kind: Kind) {
        Scene.setDeadline()
        // The thread that forks stays for good: start it before counting threads.
        let before = { _ = try? ForkPool(workers: 1).map(0..<1) { $0 } }
        before()
        let threads = threads
        Scene.survive(kind, workers: 3, options: .init(chunk: .fixed(1))) { pool throws in
            let meeting = Rendezvous()
            var processes = Set(try pool.map((0..<3).map { _ in .meet(at: meeting.path, 3, then: .pid) }))
            #expect(processes.count == 3)
            if kind != .exec { processes.insert(try pool(.parent)) }
            let supervisors = Self.threads.subtracting(threads)
            #expect(!supervisors.isEmpty)
            let watched = supervisors.union(processes.map { "/proc/\($0)" })
            // Workers look for work for some microseconds more, the supervisor once more after some time. From then on
            // the counts stay the same for half a second.
            #expect(Looking.areIdle(watched))
            #expect(try pool(.give(1)) == 1)
        }
    }

    /// Waits half a second; returns the ticks that this process used, out of 50 or more.
    private static func ticksOfWaiting() -> Int {
        let before = ticks
        usleep(500_000)
        return ticks - before
    }

    static func failing(_ kind: Kind) {
        Scene.survive(kind, options: .init(chunk: .fixed(1))) { pool throws in
            let meeting = Rendezvous()
            Threads.run(2) { number in
                guard number == 0 else {
                    Rendezvous.waitForArrivals(2, at: meeting.path)
                    #expect(ticksOfWaiting() < 20)
                    meeting.arrive()
                    return
                }
                // Item 0 still runs when item 1 fails, and ends when the other thread tells it to.
                let deeds: [Deed] = [
                    .meet(at: meeting.path, 3, then: .give(1)), .meet(at: meeting.path, 2, then: .throwPlain("no")),
                ]
                let thrown = failure { () throws(ForkPool.Failure) in try pool.map(deeds) }
                #expect(thrown?.index == 1)
            }
        }
    }

    static func waiting(_ kind: Kind) async {
        await Scene.survive(kind) { pool async throws in
            let meeting = Rendezvous()
            let call = pool.submit(.wait(at: meeting.path, 1, then: .give(5)))
            let task = Task { try await call.value }
            Threads.run(2) { number in
                if number == 0 {
                    #expect((try? call.wait()) == 5)
                } else {
                    #expect(ticksOfWaiting() < 20)
                    meeting.arrive()
                }
            }
            #expect(try await task.value == 5)
        }
    }
}
