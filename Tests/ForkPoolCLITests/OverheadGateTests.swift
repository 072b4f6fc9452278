// SPDX-License-Identifier: Apache-2.0
#if Command
import Testing

@testable import ForkPoolCLI

@Suite("The gate of overhead")
struct OverheadGateTests {
    /// A row measured in three columns: this library, the floor and Dispatch.
    private static func line(ours: [Double] = .init(repeating: 2, count: 8)) -> OverheadLine {
        let cells = [Column.resident, .floor, .concurrentPerform].map { column in Cell(column) { 0 } }
        let others = [1.0, 4.0].map { [Double](repeating: $0, count: ours.count) }
        return OverheadLine(
            row: Row(name: "warm map", unit: "ms", perSecond: 1e3, rounds: ours.count, cells: cells),
            samples: ([ours] + others).map(Sample.init))
    }

    private static let workload = Workload(name: "warm call", unit: .call, count: 10) { _ in }

    private static func gate(
        _ limits: String, _ lines: [OverheadLine] = [], _ counts: [CountedEvent: Double] = [:], reason: String? = nil
    ) throws -> OverheadGate {
        OverheadGate(
            try OverheadLimits(limits), lines, [WorkloadCount(workload: workload, counts: counts, reason: reason)])
    }

    @Test("compares with the floor, unless the limit names another column")
    func bases() throws {
        let limits = "# a comment\n\n1.50 resident: warm map\n1.00 resident / concurrentPerform: warm map\n"
        let gate = try Self.gate(limits, [Self.line()])
        #expect(
            gate.text == """
                SLOWER       ×2.00 (2.00 to 2.00), at most ×1.50  resident: warm map
                passed       ×0.50 (0.50 to 0.50), at most ×1.00  resident / concurrentPerform: warm map

                """)
        #expect(gate.code == 1)
    }

    @Test("a count above its limit fails; a missing one is inconclusive, with the reason")
    func counts() throws {
        let limits = "2.5 system calls a call: warm call\n8.5 allocations a call: warm call"
        let kept = try Self.gate(limits, [], [.systemCalls: 2.25, .allocations: 8])
        #expect(
            kept.text == """
                passed       2.250, at most 2.500  system calls a call: warm call
                passed       8.000, at most 8.500  allocations a call: warm call

                """)
        #expect(kept.code == 0)
        #expect(try Self.gate(limits, [], [.systemCalls: 3, .allocations: 8]).code == 1)

        let half = try Self.gate(limits, [], [.systemCalls: 2.25], reason: "no library")
        #expect(half.text.hasSuffix("inconclusive –, at most 8.500  allocations a call: warm call: no library\n"))
        #expect(half.code == 3)
        #expect(try Self.gate(limits, [], [.systemCalls: 3], reason: "no library").code == 1)
    }

    @Test("measures only the rows and columns that a limit names")
    func parts() throws {
        let row = Self.line().row
        #expect(
            try OverheadLimits("1 resident: warm map").limitedColumns(of: row)?.cells.map(\.column) == [
                .resident, .floor,
            ])
        let dispatch = try OverheadLimits("1 resident/concurrentPerform: warm map").limitedColumns(of: row)
        #expect(dispatch?.cells.map(\.column) == [.resident, .concurrentPerform])
        #expect(try OverheadLimits("1 resident: another map").limitedColumns(of: row) == nil)
    }

    @Test("a ratio above its limit by chance is inconclusive, and one with a median below passes")
    func chances() throws {
        let limit = "1.5 resident: warm map"
        #expect(try Self.gate(limit, [Self.line(ours: [1, 1.6, 1.7, 1.8, 1.9])]).code == 3)
        #expect(try Self.gate(limit, [Self.line(ours: [1, 1.1, 1.2, 1.8, 1.9])]).code == 0)
        // Five of five above: probability 1/32.
        #expect(try Self.gate(limit, [Self.line(ours: [1.6, 1.6, 1.7, 1.8, 1.9])]).code == 1)
    }

    @Test("a ratio that fails alone may be inconclusive among several")
    func several() throws {
        let ours = [1.6, 1.6, 1.7, 1.8, 1.9]
        let both = "1.5 resident: warm map\n1.0 resident / concurrentPerform: warm map"
        #expect(try Self.gate(both, [Self.line(ours: ours)]).code == 3)
        #expect(try Self.gate(both, [Self.line(ours: ours + [1.6])]).code == 1)
    }

    @Test("a row that was left out makes its limits inconclusive, with the reason")
    func leftOut() throws {
        let limits = try OverheadLimits("1.5 resident: warm map\n2 exec: large map")
        let gate = OverheadGate(limits, [Self.line()], [], leftOut: ["large map": "no room"])
        #expect(
            gate.text == """
                SLOWER       ×2.00 (2.00 to 2.00), at most ×1.50  resident: warm map
                inconclusive –, at most 2.000  exec: large map: no room

                """)
        #expect(OverheadGate(try OverheadLimits("2 exec: large map"), [], [], leftOut: ["large map": ""]).code == 3)
    }

    @Test("a limit that names no row or workload is an error")
    func unknown() throws {
        let rows = [Self.line().row]
        try OverheadLimits("1 resident: warm map\n1 system calls a call: warm call").check(rows, [Self.workload])
        for text in [
            "resident: warm maps", "exec: warm map", "resident / task group: warm map",
            "system calls an item: warm call", "allocations a call: warm map", "instructions a call: warm call",
        ] {
            let error = try #require(throws: OverheadError.self) {
                try OverheadLimits("1 \(text)").check(rows, [Self.workload])
            }
            #expect(error.code == 64)
            #expect(error.description.hasPrefix("the limit \"\(text)\" names no row, column or workload"))
        }
    }

    @Test(
        "refuses lines that are no limit",
        arguments: [
            "resident: warm map", "0 resident: warm map", "1 resident", "1 C floor: warm map",
            "1 resident / x: warm map", "1 resident / C floor / exec: warm map", "inf resident: warm map",
            "1 system calls: warm call", "1 system calls an hour: warm call",
        ])
    func noLimits(_ text: String) throws {
        let error = try #require(throws: OverheadError.self) { try OverheadLimits(text) }
        #expect(error.code == 64)
        #expect(error.description.hasPrefix("\"\(text)\" is no limit"))
    }
}
#endif
