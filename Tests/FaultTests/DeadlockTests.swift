// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite struct DeadlockTests {
    private static let forked: [Kind] = [.oneShot, .residentBody, .residentJob]

    @Test(
        "E7: an item that waits for something that never comes fails as deadlocked, after three attempts",
        arguments: forked)
    func proven(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in DeadlockScenes.proven(kind) }
    }

    @Test("E7: an item that is deadlocked once is run again and done, without being asked to", arguments: forked)
    func retried(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in DeadlockScenes.retried(kind) }
    }

    @Test("E7: an item that must not begin twice fails at its first deadlock", arguments: forked)
    func forbidden(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in DeadlockScenes.forbidden(kind) }
    }

    @Test(
        "E7: an item that spins for a global that the parent initialised at the fork fails as deadlocked",
        .enabled(if: Looking.refusesForeignOwners), arguments: forked)
    func initialised(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in DeadlockScenes.initialised(kind) }
    }

    @Test(
        "E7: it is run again, and done once the parent has initialised the global",
        .enabled(if: Looking.refusesForeignOwners), arguments: forked)
    func initialisedLater(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in DeadlockScenes.initialisedLater(kind) }
    }

    @Test("E7: many items that spin so are run again at once", .enabled(if: Looking.refusesForeignOwners))
    func initialisedByMany() async {
        await #expect(processExitsWith: .success) { DeadlockScenes.initialisedByMany() }
    }

    @Test("E7: an item that is busy in the kernel for long goes on", arguments: forked)
    func busy(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in DeadlockScenes.busy(kind) }
    }

    @Test("E7: a worker by exec is not taken for deadlocked, and its timeout ends it")
    func exec() async {
        await #expect(processExitsWith: .success) { DeadlockScenes.exec() }
    }

    @Test("E7: a lock that was held when a resident pool was made is free in the workers that run the item again")
    func snapshot() async {
        await #expect(processExitsWith: .success) { DeadlockScenes.snapshot() }
    }

    @Test("E7: a job by fork that awaits something that never comes is deadlocked as well")
    func asynchronousJob() async {
        await #expect(processExitsWith: .success) { DeadlockScenes.asynchronousJob() }
    }

    @Test("E7: a setUp that waits for a lock that was held at the fork does not end a resident pool")
    func setUp() async {
        await #expect(processExitsWith: .success) { DeadlockScenes.setUp() }
    }

    @Test("E7: a tearDown that is deadlocked holds no map up")
    func tearDown() async {
        await #expect(processExitsWith: .success) { DeadlockScenes.tearDown() }
    }
}

/// At the first attempt at item 1, awaits something that never comes.
private struct AwaitingJob: ForkPool.Job {
    func run(_ item: Int) async throws -> Int {
        let attempt = ForkPool.worker!.attempt
        if item == 1, attempt == 1 { await unsafe withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in } }
        return attempt
    }
}

private enum DeadlockScenes {
    static func asynchronousJob() {
        Scene.setDeadline()
        let pool = try! ForkPool(workers: 2).resident(AwaitingJob(), start: .fork)
        #expect(try! pool.map([0, 1, 2]) == [1, 2, 1])
        pool.close()
    }

    static func setUp() {
        Scene.setDeadline()
        let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        unsafe lock.initialize(to: pthread_mutex_t())
        unsafe pthread_mutex_lock(lock)
        nonisolated(unsafe) let held = unsafe lock
        let options = ForkPool.Options(setUp: {
            unsafe pthread_mutex_lock(held)
            unsafe pthread_mutex_unlock(held)
        })
        let pool = try! ForkPool(workers: 2, options: options).resident { (item: Int) in item * item }
        unsafe pthread_mutex_unlock(lock)
        #expect(try! pool.map([1, 2, 3]) == [1, 4, 9])
        pool.close()
    }

    static func proven(_ kind: Kind) {
        kind.survive([.give(0), .deadlock, .give(2)]) { results in
            let failure = results[1].failure
            #expect(failure?.code == .deadlocked && failure?.index == 1 && failure?.attempt == 3)
            #expect(failure?.bodyRan == .yes)
            #expect(results[0].value == 0 && results[2].value == 2)
        }
    }

    static func retried(_ kind: Kind) {
        kind.survive([.give(0), .upTo(attempt: 2, .deadlock, then: .attempt)]) { results in
            #expect(results.map(\.value) == [0, 3])
        }
    }

    static func forbidden(_ kind: Kind) {
        kind.survive([.give(0), .deadlock], options: .init(retries: 0)) { results in
            #expect(results[1].failure?.code == .deadlocked && results[1].failure?.attempt == 1)
        }
    }

    static func initialised(_ kind: Kind) {
        Held.begin()
        kind.survive([.give(0), .initialise(released: false), .give(2)]) { results in
            let failure = results[1].failure
            #expect(failure?.code == .deadlocked && failure?.index == 1 && failure?.attempt == 3)
            #expect(results[0].value == 0 && results[2].value == 2)
        }
    }

    static func initialisedLater(_ kind: Kind) {
        Held.begin()
        kind.survive([.give(0), .initialise(released: true)]) { results in
            #expect(results.map(\.value) == [0, 7])
        }
    }

    static func initialisedByMany() {
        Held.begin()
        let deeds = [Deed](repeating: .upTo(attempt: 1, .initialise(released: true), then: .give(7)), count: 12)
        Kind.oneShot.survive(deeds, workers: 12, options: .init(chunk: .fixed(1))) { results in
            #expect(results.map(\.value) == [Int](repeating: 7, count: 12))
        }
    }

    static func busy(_ kind: Kind) {
        let times = 1...4
        kind.survive(times.map { .toil(times: $0 * 200_000) }, options: .init(retries: 0)) { results in
            #expect(results.map(\.value) == times.map { $0 * 200_000 })
        }
    }

    static func exec() {
        Kind.exec.survive([.deadlock, .give(1)], options: .init(chunk: .fixed(1), timeout: .seconds(1))) { results in
            #expect(results[0].failure?.code == .timedOut)
            #expect(results[1].value == 1)
        }
    }

    static func snapshot() {
        Scene.leaveNothing { () throws in
            let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
            unsafe lock.initialize(to: pthread_mutex_t())
            defer { unsafe lock.deallocate() }
            unsafe pthread_mutex_lock(lock)
            // In the pool's workers the lock stays locked for ever.
            let pool = try ForkPool(workers: 2).resident { (item: Int) -> Int in
                if item == 1 {
                    unsafe pthread_mutex_lock(lock)
                    unsafe pthread_mutex_unlock(lock)
                }
                return ForkPool.worker!.attempt
            }
            unsafe pthread_mutex_unlock(lock)
            #expect(try pool.map([0, 1, 2, 3]) == [1, 2, 1, 1])
            // One worker was forked while the lock was held.
            #expect(try pool.map([0, 1, 1, 1]).allSatisfy { $0 <= 2 })
            pool.close()
        }
    }

    static func tearDown() {
        let options = ForkPool.Options(tearDown: { Process.waitForEver() })
        Scene.setDeadline()
        #expect(try! ForkPool(workers: 2, options: options).map(0..<4) { $0 } == [0, 1, 2, 3])
        let pool = try! Kind.residentBody.start(Performer(), options: options)
        #expect(try! pool.map([.give(1), .give(2)]) == [1, 2])
        pool.close()
    }
}
