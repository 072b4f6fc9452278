// SPDX-License-Identifier: Apache-2.0
import ForkPool
import Foundation

extension JSONLines {
    /// The same in a loop; a line that traps ends the program.
    static func inTurn(_ path: String) throws -> Summary {
        let decoder = JSONDecoder()
        var summary = Summary()
        for line in try Lines(of: path) {
            summary.lines += 1
            summary.cents += try Order.centsPerPiece(line, decoder)
        }
        return summary
    }

    /// The same in a task group, which needs batches, and a bound on how many there are; a line that traps ends the program.
    static func inTasks(_ path: String) async throws -> Summary {
        try await withThrowingTaskGroup(of: Summary.self) { group in
            var summary = Summary()
            var batch: [String] = []
            var running = 0
            func add(_ part: Summary?) {
                guard let part else { return }
                summary.lines += part.lines
                summary.cents += part.cents
                running -= 1
            }
            func start(_ batch: [String]) {
                running += 1
                group.addTask {
                    let decoder = JSONDecoder()
                    return Summary(
                        lines: batch.count,
                        cents: try batch.reduce(0) { try $0 + Order.centsPerPiece($1, decoder) })
                }
            }
            for line in try Lines(of: path) {
                batch.append(line)
                guard batch.count == 200 else { continue }
                if running == 4 * ForkPool.availableProcessors { add(try await group.next()) }
                start(batch)
                batch = []
            }
            start(batch)
            while running > 0 { add(try await group.next()) }
            return summary
        }
    }
}
