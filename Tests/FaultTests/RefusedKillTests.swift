// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite struct RefusedKillTests {
    @Test(
        "G1: a filter that refuses pidfd_send_signal, in place before the pool is, changes nothing",
        arguments: Kind.allCases)
    func pidfd(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            RefusedKillScenes.run(
                kind, [EPERM, ENOSYS].map { Refusal(calls: [.pidfdSendSignal], error: $0) }, isFirst: true)
        }
    }

    @Test(
        "G1: a filter that refuses every kill, and comes after the pool, leaves timeouts, cancel() and close()",
        arguments: Kind.resident)
    func later(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            let calls: [[Refusal.Call]] = [[.pidfdSendSignal], [.pidfdSendSignal, .kill]]
            RefusedKillScenes.run(kind, calls.map { Refusal(calls: $0, error: EPERM) }, isFirst: false)
        }
    }

    @Test(
        "G1: a kill that the system refuses in every way is a failure with its errno, and no wait without an end",
        arguments: Kind.allCases)
    func forGood(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            RefusedKillScenes.refusedForGood(kind, [EPERM, ENOSYS])
        }
    }
}

private enum RefusedKillScenes {
    static func run(_ kind: Kind, _ refusals: [Refusal], isFirst: Bool) {
        Host.warmUp(kind)
        let meetings = refusals.map { _ in Rendezvous() }
        Host.run(refusals.map { "\(kind), \($0)" }) { number, complaints in
            let (refusal, meeting) = (refusals[number], meetings[number])
            let path = meeting.path
            if isFirst { refusal.begin(inEveryThread: true) }
            complaints.use(kind, options: .init(chunk: .fixed(1), timeout: .seconds(1))) { pool, complaints in
                complaints.expectRight(pool)
                if !isFirst { refusal.begin(inEveryThread: true) }
                complaints.expect(
                    pool.mapResults([.sleep(at: path), .give(5), .raise(SIGSEGV)]),
                    [.failure(.timedOut), .value(5), .failure(.crashed)], "a timeout")
                complaints.expectRight(pool)
            }
            guard kind != .oneShot else { return }
            complaints.use(kind, options: .init(chunk: .fixed(1))) { pool, complaints in
                let call = pool.submit(.sleep(at: path))
                // The process that timed out sent its id first.
                for _ in 0..<2 { _ = meeting.receive() }
                pool.cancel()
                let result = Result { () throws(ForkPool.Failure) in try call.wait() }
                complaints.expect([result], [.failure(.cancelled)], "a cancelled call")
            }
        }
    }

    static func refusedForGood(_ kind: Kind, _ errors: [Int32]) {
        Host.warmUp(kind)
        let meetings = errors.map { _ in Rendezvous() }
        Host.run(errors.map { "\(kind), errno \($0)" }) { number, complaints in
            let (error, meeting) = (errors[number], meetings[number])
            let path = meeting.path
            Refusal(calls: [.pidfdSendSignal, .kill], error: error).begin(inEveryThread: true)
            complaints.use(kind, options: .init(chunk: .fixed(1), timeout: .seconds(1))) { pool, complaints in
                complaints.expectRight(pool)
                let results = pool.mapResults([.wait(at: path, 1, then: .give(1)), .give(5)])
                let failure = results[0].failure
                // Where the pool finds another way to end the worker, the item has timed out.
                let isKillRefused = failure?.code.description == "killRefused" && failure?.errno == error
                complaints.expect(failure?.code == .timedOut || isKillRefused, "\(results)")
                complaints.expect(results[1].value == 5, "\(results)")
                // Now the body ends by itself.
                meeting.arrive()
            }
        }
    }
}
