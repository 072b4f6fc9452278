// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool

extension Workload {
    /// Streams that carry their inputs, and calls that are submitted before the first is waited for.
    static let streamsAndCalls: [Workload] = [
        Workload(name: "resident stream of no-ops", unit: .item, count: 20_000) { count in
            try drain(resident(noOp), count)
        },
        Workload(name: "stream of no-ops by exec", unit: .item, count: 20_000) { count in
            try drain(exec(), count)
        },
        Workload(name: "async loop over a stream of no-ops", unit: .item, count: 20_000) { count in
            let resident = try resident(noOp)
            try inTask { for try await (_, output) in resident.stream(Array(0..<count)) { blackHole(output) } }
            resident.close()
        },
        Workload(name: "submitted call", unit: .call, count: 2000) { count in try submit(resident(noOp), count) },
        Workload(name: "submitted call by exec", unit: .call, count: 20_000) { count in try submit(exec(), count) },
    ]

    private static func resident(_ body: @escaping (Int) -> Int) throws -> ForkPool.Resident<Int, Int> {
        try ForkPool(workers: 2).resident(body)
    }

    private static func exec() throws -> ForkPool.Resident<Int, Int> {
        try ForkPool(workers: 2).resident(NoOpJob(), start: .exec)
    }

    private static func drain(_ resident: ForkPool.Resident<Int, Int>, _ count: Int) throws {
        try resident.stream(Array(0..<count)).forEach { _, output in blackHole(output) }
        resident.close()
    }

    private static func submit(_ resident: ForkPool.Resident<Int, Int>, _ count: Int) throws {
        let calls = (0..<count).map { resident.submit($0) }
        for call in calls { blackHole(try call.wait()) }
        resident.close()
    }
}
#endif
