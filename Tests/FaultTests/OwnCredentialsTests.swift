// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite(.enabled(if: Credentials.canChange, "only root can change its user"))
struct OwnCredentialsTests {
    @Test(
        "G2: a worker whose setUp or body changes its credentials in any way does not outlive a parent that is killed",
        arguments: Kind.allCases)
    func parentKilled(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            Host.warmUp(kind)
            for credentials in Credentials.allCases {
                // A worker by exec has two threads: the system gives such a process no namespace of users.
                if kind == .exec, credentials == .namespace { continue }
                for place in OwnCredentialsScenes.Place.allCases where place.exists(in: kind) {
                    OwnCredentialsScenes.killParent(kind, credentials, place)
                }
            }
        }
    }

    @Test("G2: a pool whose workers change their user in setUp times items out and ends", arguments: Kind.allCases)
    func timesOut(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in OwnCredentialsScenes.timesOut(kind) }
    }
}

/// Does deeds, and changes its worker's credentials first.
struct Changing: PlainJob {
    typealias Input = Deed
    typealias Output = Int

    var credentials: Credentials?

    func setUp() async throws {
        if let credentials { Tampering.credentials(credentials).apply() }
    }

    func act(_ deed: Deed) throws -> Int { try deed.perform() }

    /// Starts a pool; where the workers run a closure, the options have its `setUp`.
    func start(_ kind: Kind, options: ForkPool.Options) throws(ForkPool.Failure) -> AnyPool<Changing> {
        var options = options
        if let credentials, kind == .oneShot || kind == .residentBody {
            options.setUp = { Tampering.credentials(credentials).apply() }
        }
        return try kind.start(self, options: options)
    }
}

private enum OwnCredentialsScenes {
    /// Where the credentials change, and what the worker does when the parent ends.
    enum Place: CaseIterable {
        case setUp, sleeping, spinning, idle

        func exists(in kind: Kind) -> Bool { kind != .oneShot || self == .sleeping || self == .spinning }
    }

    static func killParent(_ kind: Kind, _ credentials: Credentials, _ place: Place) {
        let meeting = Rendezvous()
        meeting.openToAll()
        let path = meeting.path
        let parent = Host.start {
            let pool = try? Changing(credentials: place == .setUp ? credentials : nil)
                .start(kind, options: .init(chunk: .fixed(1)))
            let change: (Deed) -> Deed = { .tamper(.credentials(credentials), then: $0) }
            // Each worker does one of two deeds.
            let meet = Deed.say(at: path, then: .meet(at: path, 2, then: .give(1)))
            let deed: Deed =
                switch place {
                case .setUp: meet
                case .sleeping: change(.sleep(at: path))
                case .spinning: change(.say(at: path, then: .spin))
                case .idle: change(meet)
                }
            _ = pool?.mapResults([deed, deed])
            meeting.arrive()
            withExtendedLifetime(pool) { if opaque(true) { Process.sleepForEver() } }
        }
        for _ in 0..<2 { _ = meeting.receive() }
        if place == .setUp || place == .idle { Rendezvous.waitForArrivals(3, at: path) }
        kill(parent, SIGKILL)
        #expect(Process.wait(for: parent) == SIGKILL)
        let areGone = meeting.everyWriterIsGone()
        #expect(areGone, "\(credentials), \(place): these live on: \(ProcessStatus.below(getpid()))")
        Host.endOrphans()
    }

    static func timesOut(_ kind: Kind) {
        let job = Changing(credentials: .groupAndUser)
        Scene.leaveNothing { () throws in
            let meeting = Rendezvous()
            meeting.openToAll()
            let pool = try job.start(kind, options: .init(chunk: .fixed(1), timeout: .seconds(1)))
            for _ in 0..<2 {
                let results = pool.mapResults([.sleep(at: meeting.path), .give(5)])
                #expect(results[0].failure?.code == .timedOut)
                #expect(results[1].value == 5)
            }
            pool.close()
        }
    }
}
