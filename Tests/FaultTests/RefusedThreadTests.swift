// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

/// A host that is refused the threads which decode large results.
@Suite(.enabled(if: Fault.isAvailable, "a release build has no way to make a call fail"))
struct RefusedThreadTests {
    enum Way: CaseIterable, Codable {
        case oneShot, fork, exec
    }

    @Test("G11: every pool takes threads for large results, and is right without them", arguments: Way.allCases)
    func each(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in RefusedThreadScene.run(way) }
    }
}

struct Lines: ForkPool.Job {
    static let expected = (0..<100).map { String(repeating: "x", count: 10_000 + $0) }

    func run(_ item: Int) -> String { String(repeating: "x", count: 10_000 + item) }
}

private enum RefusedThreadScene {
    static func run(_ way: RefusedThreadTests.Way) {
        Scene.setDeadline()
        let pool = ForkPool(workers: 2)
        do {
            switch way {
            case .oneShot:
                // The first thread of a map forks its workers.
                try refuse(from: 2) { try pool.map(0..<100) { Lines().run($0) } }
            case .fork, .exec:
                let lines = try pool.resident(Lines(), start: way == .fork ? .fork : .exec)
                try refuse(from: 1) { try lines.map(0..<100) }
                lines.close()
            }
        } catch {
            Issue.record(error)
        }
    }

    /// Maps twice, the second time without further threads from one on.
    private static func refuse(from first: Int, _ map: () throws -> [String]) throws {
        #expect(try map() == Lines.expected)
        Fault(call: "pthread_create", role: .parent, first: first, times: 100, error: EAGAIN).begin()
        #expect(try map() == Lines.expected)
        #expect(Fault.failures == (ForkPool.availableProcessors > 1 ? 1 : 0))
        Fault.end()
    }
}
