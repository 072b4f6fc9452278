// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

/// Processes that have nothing to do are killed from outside; F10 kills them on items.
@Suite struct ParkedTests {
    @Test(
        "G7: a pool lives though its spare and its idle workers are killed a hundred times, by any signal, between maps",
        arguments: Kind.resident)
    func killed(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            for workers in [1, 2] {
                for target in ParkedScenes.Target.allCases {
                    ParkedScenes.killed(kind, by: [SIGKILL, SIGABRT, SIGSEGV], workers: workers, target)
                }
            }
        }
    }
}

private enum ParkedScenes {
    enum Target: CaseIterable {
        /// The spare alone; everything that is or will be a worker.
        case spare, all
    }

    /// Kills a hundred times, by each signal in its turn.
    static func killed(_ kind: Kind, by signals: [Int32], workers: Int, _ target: Target) {
        // A signal may reach a worker when it has begun the next item.
        let options = ForkPool.Options(chunk: .fixed(1), retries: 3)
        Scene.survive(kind, workers: workers, options: options) { pool throws in
            for round in 0..<100 {
                let signal = signals[round % signals.count]
                let known = target == .spare ? Set(try pool.map((0..<workers).map { _ in .pid }).map { Int32($0) }) : []
                var targets = ProcessStatus.workers.filter { !known.contains($0) }
                // With two workers one may have answered twice.
                if target == .spare { targets = Array(targets.suffix(1)) }
                for pid in targets { kill(pid, signal) }
                let results = pool.mapResults([.give(round), .give(1)])
                guard results.map(\.value) == [round, 1] else {
                    Issue.record("\(target), \(workers) workers, signal \(signal), round \(round): \(results[0])")
                    return
                }
            }
        }
    }
}
