// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite struct ThreadStateTests {
    @Test(
        "G4: a worker has each state that Linux keeps for the caller's thread, set after an earlier map",
        arguments: Kind.allCases)
    func each(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in ThreadStateScenes.each(kind) }
    }

    @Test("G4: maps of two threads, in turn, each have their own caller's state", arguments: Kind.allCases)
    func twoCallers(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in ThreadStateScenes.twoCallers(kind) }
    }
}

private enum ThreadStateScenes {
    /// States that any process can set, so that no system skips all.
    private static let always: Set<ThreadState> = [
        .niceness, .roundingMode, .flushToZero, .seccompFilter, .timerSlack, .dumpable,
    ]

    static func each(_ kind: Kind) {
        Host.warmUp(kind)
        for state in ThreadState.allCases where kind != .exec || state.survivesExec {
            Host.run("\(kind), \(state)") { complaints in
                complaints.use(.oneShot, workers: 1) { pool, complaints in complaints.expectRight(pool) }
                let before = state.value
                state.set()
                let own = state.value
                guard own != before else {
                    complaints.expect(!always.contains(state), "it stays as it is")
                    return
                }
                complaints.use(kind, workers: 1) { pool, complaints in
                    let worker = pool.mapResults([.state(state)])
                    complaints.expect(worker, [.value(own)], "it was \(before), is \(own); a worker's")
                    // A replacement, too.
                    _ = pool.mapResults([.raise(SIGKILL)])
                    complaints.expect(pool.mapResults([.state(state)]), [.value(own)], "a replacement's")
                }
                complaints.expect(state.value == own, "the caller's changed")
            }
        }
    }

    static func twoCallers(_ kind: Kind) {
        Host.warmUp(kind)
        for state in [ThreadState.niceness, .roundingMode, .timerSlack] {
            Host.run("\(kind), \(state)") { complaints in
                let plain = state.value
                var values: [Int] = []
                for _ in 0..<2 {
                    complaints.use(kind, workers: 1) { pool, _ in
                        values.append(pool.mapResults([.state(state)])[0].value ?? -1)
                    }
                    let others = Threads.run(1) { _ in
                        state.set()
                        var complaints = Complaints()
                        var seen = -1
                        complaints.use(kind, workers: 1) { pool, _ in
                            seen = pool.mapResults([.state(state)])[0].value ?? -1
                        }
                        return [seen, state.value]
                    }
                    complaints.expect(others[0][0] == others[0][1], "the other thread's: \(others)")
                }
                complaints.expect(values == [plain, plain], "\(values), not \(plain)")
            }
        }
    }
}
