// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite(.enabled(if: Credentials.canChange, "only root can give up privileges"))
struct DroppedPrivilegesTests {
    @Test(
        "G1: a program that gives up its privileges after its pool was made keeps timeouts, and the pool goes on",
        arguments: Kind.allCases)
    func timeouts(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in DroppedPrivilegesScenes.timeouts(kind) }
    }

    @Test(
        "G1: close(), cancel() and the last reference end a pool, idle or busy, after the program gave up its privileges",
        arguments: Kind.resident)
    func ends(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in DroppedPrivilegesScenes.ends(kind) }
    }

    @Test(
        "G1: no process of a pool outlives a parent that gave up its privileges, be it killed or at its end",
        arguments: Kind.allCases)
    func parentEnds(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            DroppedPrivilegesScenes.parentEnds(kind, by: SIGKILL)
            // Between two maps a one-shot pool has no process.
            if kind != .oneShot { DroppedPrivilegesScenes.parentEnds(kind, by: nil) }
        }
    }
}

private enum DroppedPrivilegesScenes {
    private static func drop() { Credentials.groupAndUser.change() }

    static func timeouts(_ kind: Kind) {
        Host.warmUp(kind)
        let meeting = Rendezvous()
        let path = meeting.path
        Host.run("\(kind)") { complaints in
            complaints.use(kind, options: .init(chunk: .fixed(1), timeout: .seconds(1))) { pool, complaints in
                complaints.expectRight(pool)
                if kind == .oneShot {
                    // Its workers exist during a map alone.
                    Process.onThread {
                        _ = meeting.receive()
                        drop()
                    }
                } else {
                    drop()
                    meeting.openToAll()
                }
                complaints.expect(
                    pool.mapResults([.sleep(at: path), .give(5)]), [.failure(.timedOut), .value(5)], "a timeout")
                complaints.expectRight(pool)
            }
        }
    }

    private enum End: CaseIterable {
        case close, cancel, drop
    }

    static func ends(_ kind: Kind) {
        Host.warmUp(kind)
        for end in End.allCases {
            for isBusy in [false, true] {
                let meeting = Rendezvous()
                meeting.openToAll()
                let path = meeting.path
                Host.run("\(kind), \(end), \(isBusy ? "busy" : "idle")") { complaints in
                    guard var pool = Optional(try? kind.start(Performer())) else { return }
                    if let pool { complaints.expectRight(pool) }
                    // Both workers are on an item before the privileges go.
                    let deed: Deed = .say(at: path, then: .wait(at: path, 1, then: .give(1)))
                    let calls = isBusy ? (0..<2).map { _ in pool!.submit(deed) } : []
                    for _ in calls { _ = meeting.receive() }
                    drop()
                    switch end {
                    case .close:
                        meeting.arrive()
                        pool?.close()
                    case .cancel: pool?.cancel()
                    case .drop: pool = nil
                    }
                    for call in calls {
                        let result = Result { () throws(ForkPool.Failure) in try call.wait() }
                        complaints.expect([result], [end == .close ? .value(1) : .failure(.cancelled)], "a call")
                    }
                }
            }
        }
    }

    /// Ends the parent by a signal, or has it exit.
    static func parentEnds(_ kind: Kind, by signal: Int32?) {
        Host.warmUp(kind)
        let meeting = Rendezvous()
        meeting.openToAll()
        let path = meeting.path
        let parent = Host.start {
            let pool = try? kind.start(Performer(), options: .init(chunk: .fixed(1)))
            if kind == .oneShot {
                Process.onThread {
                    for _ in 0..<2 { _ = meeting.receive() }
                    drop()
                    meeting.arrive()
                }
                _ = pool?.mapResults([.sleep(at: path), .sleep(at: path)])
            }
            _ = pool?.mapResults([.give(1), .give(2)])
            drop()
            meeting.arrive()
            if signal == nil { Rendezvous.waitForArrivals(2, at: path) }
            withExtendedLifetime(pool) { if opaque(signal != nil) { Process.sleepForEver() } }
        }
        Rendezvous.waitForArrivals(1, at: path)
        let processes = ProcessStatus.below(parent).map(\.pid)
        #expect(processes.count >= 2)
        if let signal { kill(parent, signal) } else { meeting.arrive() }
        #expect(Process.wait(for: parent) == signal ?? 0)
        let left = ProcessStatus.waitForEnd(of: processes)
        #expect(left == [], "these live on: \(left)")
        Host.endOrphans()
    }
}
