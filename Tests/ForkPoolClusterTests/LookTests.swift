// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc
import Testing

@testable import ForkPool
@testable import ForkPoolCluster

/// A clock that jumps, as it does for a process that was stopped.
private final class JumpingClock: Sendable {
    static let hour = 3_600_000_000_000

    private let jumped = SharedCounter()

    func jump() { jumped.add(Self.hour) }

    var time: Int { monotonicNanoseconds() + jumped.value }
}

@Suite("Waits of a rank that did not look for long")
struct LookTests {
    @Test("a root that stood still goes on with a map whose hosts answer")
    func map() async {
        await #expect(processExitsWith: .success) {
            Hosts.setDeadline()
            let (clock, looks) = (JumpingClock(), SharedCounter())
            var options = ForkPool.Options()
            options.progress = { _ in if looks.add(1) == 1 { clock.jump() } }
            let results = Hosts.run(2, options: options, stallTimeout: .seconds(60), clock: { clock.time }) {
                cluster throws in
                let isSecond = cluster.rank == 1
                return try cluster.map(0..<100) { item in
                    // The root judges before this host answers.
                    while isSecond, looks.value < 3 { usleep(1000) }
                    return item
                }
            }
            #expect(results.map { try? $0.get() } == [Array(0..<100), Array(0..<100)])
        }
    }

    private static func link(_ boxes: Mailboxes, _ clock: @escaping () -> Int) -> HostLink {
        HostLink(ThreadTransport(0, boxes), hello(1), stallTimeout: .seconds(60), clock: clock)
    }

    private static func hello(_ number: Int) -> Hello { Hello(build: "same", host: "h\(number)", processors: "0-1") }

    @Test("a wait goes on after a gap, and ends after many looks")
    func wait() async {
        await #expect(processExitsWith: .success) {
            let clock = JumpingClock()
            var wait = Wait(Self.link(Mailboxes(2)) { clock.time })
            clock.jump()
            wait.pause("waits", for: [1])
        }
        await #expect(processExitsWith: .exitCode(3)) {
            let clock = JumpingClock()
            var wait = Wait(Self.link(Mailboxes(2)) { clock.time })
            for _ in 0..<20 {
                clock.jump()
                wait.pause("waits", for: [1])
            }
        }
    }

    @Test("a root that stood still as the ranks meet waits for them")
    func meet() throws {
        let (boxes, reads) = (Mailboxes(2), SharedCounter())
        let link = Self.link(boxes) {
            let number = reads.add(1)
            if number == 8 { boxes.put(HostCoding.bytes(of: Self.hello(2)), from: 1, to: 0, .calls) }
            return number < 4 ? 0 : JumpingClock.hour
        }
        #expect(try link.meet(Self.hello(1)) == 1)
    }
}
