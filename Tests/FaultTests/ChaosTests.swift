import ForkPool
import Glibc
import Testing

@Suite struct ChaosTests {
    @Test("F10: a million items are right, each once, although each worker is killed after a millisecond or two")
    func oneShot() async {
        await #expect(processExitsWith: .success) { ChaosScenes.kill(.oneShot, count: 1_000_000) }
    }

    @Test(
        "F10: items of a resident pool are right, each once, although each worker is killed after a moment",
        arguments: [(Kind.residentBody, 300_000), (.residentJob, 300_000), (.exec, 10_000)])
    func resident(_ kind: Kind, _ count: Int) async {
        await #expect(processExitsWith: .success) { [kind, count] in ChaosScenes.kill(kind, count: count) }
    }
}

/// A job whose worker is killed at some moment after its first item began.
struct Mortal: PlainJob {
    typealias Input = Int
    typealias Output = Int

    /// The process that has its end before it: a forked one has its parent's.
    nonisolated(unsafe) private static var doomed: Int32 = 0

    func act(_ item: Int) throws -> Int {
        if item >= 0, unsafe Self.doomed != getpid() { Self.doom() }
        return item &* 7 + 1
    }

    /// Has the kernel kill this process within some 2 ms.
    private static func doom() {
        unsafe doomed = getpid()
        var event = unsafe sigevent()
        unsafe event.sigev_notify = Int32(SIGEV_SIGNAL)
        unsafe event.sigev_signo = SIGKILL
        var timer: timer_t?
        var time = itimerspec()
        time.it_value.tv_nsec = Int.random(in: 100_000..<2_000_000)
        let made = unsafe timer_create(CLOCK_MONOTONIC, &event, &timer)
        let set = unsafe timer_settime(timer, 0, &time, nil)
        if made != 0 || set != 0 { abort() }
    }
}

private enum ChaosScenes {
    static func kill(_ kind: Kind, count: Int) {
        let options = ForkPool.Options(retries: 10)
        let check: ([Int]) -> Void = { results in
            #expect(results.count == count)
            #expect(results.indices.first { results[$0] != $0 * 7 + 1 } == nil)
        }
        guard let way = Way(kind) else {
            Scene.survive(options: options) { pool throws in
                check(try pool.map(0..<count) { try Mortal().act($0) })
            }
            return
        }
        let answers: (ForkPool.Resident<Int, Int>) throws(ForkPool.Failure) -> Void = {
            (pool) throws(ForkPool.Failure) in
            #expect(try pool.map([-1, -2, -3]) == [-6, -13, -20])
        }
        ResidentScene.survive(Mortal(), way, options: options, answers) { pool throws in
            check(try pool.map(0..<count))
        }
    }
}
