// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite struct AttemptTests {
    @Test(
        "F10: an item that fails its worker twice has its result at the third attempt, and a poison item one failure",
        arguments: Kind.allCases)
    func thirdAttempt(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in AttemptScenes.thirdAttempt(kind) }
    }

    @Test("F10: where a failure ends the map, that comes after the attempts", arguments: Kind.allCases)
    func stopping(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in AttemptScenes.stopping(kind) }
    }

    @Test("F10: an item is run again only for the given reasons", arguments: Kind.allCases)
    func reasons(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in AttemptScenes.reasons(kind) }
    }

    @Test("F10: before an item is run again its worker rests for the given delay", arguments: Kind.allCases)
    func pause(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in AttemptScenes.pause(kind) }
    }

    @Test(
        "F10: a map or a call that is cancelled while its worker rests ends at once, and the worker rests no longer",
        arguments: Kind.allCases)
    func cancelledPause(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            if kind == .oneShot {
                await AttemptScenes.cancelledPauseOfMap()
            } else {
                AttemptScenes.cancelledPause(kind)
            }
        }
    }

    @Test("F10: the attempt counts for its item alone, in chunks of any size", arguments: Kind.allCases)
    func attempts(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in AttemptScenes.attempts(kind) }
    }

    @Test("F10: an item that throws is not run again", arguments: Kind.allCases)
    func thrown(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in AttemptScenes.thrown(kind) }
    }

    @Test("C3: workers that must be replaced too often end a map, or the pool, which says so", arguments: Kind.allCases)
    func intensity(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            if kind == .oneShot { AttemptScenes.intensityOfMaps() } else { AttemptScenes.intensity(kind) }
        }
    }
}

private enum AttemptScenes {
    private static let once = ForkPool.Options(chunk: .fixed(1), retries: 1)
    /// The timeout leaves time for a worker that ends by itself.
    private static let twice = ForkPool.Options(chunk: .fixed(1), timeout: .seconds(1), retries: 2)
    private static let workerEnds: [Deed] = [
        .exitAtOnce(3), .raise(SIGKILL), .raise(SIGTERM), .raise(SIGSEGV), .nap(60_000),
    ]

    static func thirdAttempt(_ kind: Kind) {
        // Poison items first: their timeouts take longest.
        let deeds = workerEnds + workerEnds.map { .upTo(attempt: 2, $0, then: .attempt) } + [.attempt]
        kind.survive(deeds, workers: 4, options: twice) { results in
            #expect(results[5...].map(\.value) == [3, 3, 3, 3, 3, 1])
            let codes: [ForkPool.Failure.Code] = [.exited, .killed, .killed, .crashed, .timedOut]
            #expect(results[..<5].map { $0.failure?.code } == codes)
            for (index, result) in results[..<5].enumerated() {
                #expect(result.failure?.attempt == 3 && result.failure?.index == index)
                #expect(result.failure?.description.hasPrefix("item \(index), at attempt 3, ") == true)
            }
        }
    }

    static func stopping(_ kind: Kind) {
        let deeds: [Deed] = [.attempt, .upTo(attempt: 2, .raise(SIGKILL), then: .attempt), .raise(SIGKILL), .attempt]
        let failure = kind.failure(of: deeds, options: twice)
        #expect(failure?.index == 2 && failure?.attempt == 3 && failure?.code == .killed)
    }

    static func reasons(_ kind: Kind) {
        let cases: [(ForkPool.Options.RetryReasons, hasValue: [Bool])] = [
            (.crash, [true, false, false, true, false]), (.kill, [false, true, true, false, false]),
            (.timeout, [false, false, false, false, true]), (.deadlock, [false, false, false, false, false]),
            (.all, [true, true, true, true, true]),
        ]
        Scene.leaveNothing { () throws in
            let pools = try cases.map { reasons, _ in
                var options = twice
                options.retryReasons = reasons
                return try kind.start(Performer(), options: options)
            }
            let deeds = workerEnds.map { Deed.upTo(attempt: 1, $0, then: .attempt) }
            // All at once, since each waits for a timeout.
            Threads.run(cases.count) { number in
                #expect(pools[number].mapResults(deeds).map { $0.value == 2 } == cases[number].hasValue, "\(number)")
                #expect((try? pools[number].map([.give(1), .give(2)])) == [1, 2])
            }
            for pool in pools { pool.close() }
        }
    }

    static func pause(_ kind: Kind) {
        var options = once
        options.retryPause = .milliseconds(150)
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        let before = time.tv_sec * 1000 + time.tv_nsec / 1_000_000
        kind.survive([.give(0), .upTo(attempt: 1, .raise(SIGKILL), then: .attempt), .give(2)], options: options) {
            results in
            #expect(results.map(\.value) == [0, 2, 2])
            unsafe clock_gettime(CLOCK_MONOTONIC, &time)
            #expect(time.tv_sec * 1000 + time.tv_nsec / 1_000_000 - before >= 150)
        }
    }

    /// Longer than the deadline of any test that waits for it.
    private static let endless = ForkPool.Options(
        chunk: .fixed(1), timeout: .seconds(1), retries: 1, retryReasons: .crash, retryPause: .seconds(3600))

    static func cancelledPause(_ kind: Kind) {
        Scene.survive(kind, workers: 1, options: endless) { pool throws in
            for _ in 0..<2 {
                let meeting = Rendezvous()
                // The worker ends after it has sent its id.
                let call = pool.submit(.say(at: meeting.path, then: .exitAtOnce(1)))
                _ = meeting.receive()
                #expect(meeting.everyWriterIsGone())
                call.cancel()
                #expect(failure { () throws(ForkPool.Failure) in try call.wait() }?.code == .cancelled)
                #expect(try pool(.give(7)) == 7)
                // The worker is watched as before.
                #expect(failure { () throws(ForkPool.Failure) in try pool(.nap(60_000)) }?.code == .timedOut)
            }
        }
    }

    static func cancelledPauseOfMap() async {
        var options = endless
        options.timeout = nil
        await Scene.survive(workers: 1, options: options) { (pool) async throws in
            let pids = PidPipe()
            let task = Task {
                try await pool.map(0..<3) { (item: Int) -> Int in
                    pids.send()
                    _exit(1)
                }
            }
            _ = await pids.receive(1)
            pids.closeWriting()
            #expect(pids.everyWriterIsGone())
            task.cancel()
            let result = await task.result
            #expect((result.failure as? ForkPool.Failure)?.code == .cancelled)
        }
    }

    static func attempts(_ kind: Kind) {
        for chunk in [1, 7, 100] {
            var options = once
            options.chunk = .fixed(chunk)
            let deeds: [Deed] = (0..<100).map {
                $0 % 9 == 4 ? .upTo(attempt: 1, .exitAtOnce(0), then: .attempt) : .attempt
            }
            kind.survive(deeds, workers: 3, options: options) { results in
                #expect(results.map(\.value) == (0..<100).map { $0 % 9 == 4 ? 2 : 1 })
            }
        }
    }

    static func thrown(_ kind: Kind) {
        kind.survive([.upTo(attempt: 1, .throwPlain("no"), then: .give(1)), .give(2)], options: twice) { results in
            #expect(results[0].failure?.code == .thrown && results[0].failure?.attempt == 1)
            #expect(results[1].value == 2)
        }
        // A throw at a later attempt names the attempt.
        kind.survive([.upTo(attempt: 1, .exitAtOnce(0), then: .throwPlain("no"))], options: twice) { results in
            #expect(results[0].failure?.code == .thrown && results[0].failure?.attempt == 2)
        }
    }

    static func intensityOfMaps() {
        let options = ForkPool.Options(chunk: .fixed(1), restartIntensity: .init(5, within: .seconds(3600)))
        Scene.setDeadline()
        let pool = ForkPool(workers: 2, options: options)
        // The limit allows this many replacements over several maps.
        #expect(pool.mapResults(0..<6) { _ in _exit(1) }.allSatisfy { $0.failure?.code == .exited })
        // From here on the first exit may be one too many, whichever item it is.
        let results = pool.mapResults(0..<100) { _ in _exit(1) }
        expectRestartedTooOften(results)
        #expect(results[99].failure?.description.contains("more than 5 workers had to be replaced within") == true)
        #expect(try! pool.map(0..<3) { $0 } == [0, 1, 2])
    }

    /// Expects that each item that cost a worker says so, and that the others failed for lack of a worker.
    private static func expectRestartedTooOften<Value>(_ results: [Result<Value, ForkPool.Failure>]) {
        let codes = results.map { $0.failure?.code }
        let exits = codes.count { $0 == .exited }
        #expect((1...7).contains(exits))
        #expect(codes.count { $0 == .restartedTooOften } == codes.count - exits)
        #expect(codes.last == .restartedTooOften)
    }

    static func intensity(_ kind: Kind) {
        Scene.setDeadline()
        let options = ForkPool.Options(chunk: .fixed(1), restartIntensity: .init(5, within: .seconds(3600)))
        guard let pool = try? kind.start(Performer(), workers: 2, options: options) else {
            Issue.record("no pool")
            return
        }
        expectRestartedTooOften(pool.mapResults(Array(repeating: Deed.exitAtOnce(1), count: 100)))
        #expect(failure { () throws(ForkPool.Failure) in try pool(.give(1)) }?.code == .restartedTooOften)
    }
}
