// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool
import Foundation
import Testing

@testable import ForkPoolCLI

@Suite("Many workers and large rows in forkpool overhead")
struct OverheadScaleTests {
    private static func row(_ name: String, needs: Int?) -> Row {
        Row(name: name, unit: "ms", perSecond: 1e3, rounds: 1, cells: [], needs: needs)
    }

    @Test("a large row is measured with --large, or if --row chooses it")
    func choice() {
        let (small, large) = (Self.row("warm call", needs: nil), Self.row("1 GiB of results", needs: 2 << 30))
        func chosen(_ text: String? = nil, withLarge: Bool = false) -> [Bool] {
            [small, large].map { $0.isChosen(by: text, large: withLarge) }
        }
        #expect(chosen() == [true, false])
        #expect(chosen(withLarge: true) == [true, true])
        #expect(chosen("GiB") == [false, true])
        #expect(chosen("call", withLarge: true) == [true, false])
    }

    @Test("a row that the free memory has no room for is left out, with both sizes")
    func room() throws {
        let row = Self.row("1 GiB of results", needs: 2 << 30)
        let reason = try #require(FreeMemory(bytes: 2 << 30).refusal(of: row))
        #expect(reason == "it needs 2.15 GB of memory, and 2.15 GB are free")
        #expect(FreeMemory(bytes: 3 << 30).refusal(of: row) == nil)
        #expect(FreeMemory(bytes: 0).refusal(of: Self.row("warm call", needs: nil)) == nil)
        // A system that does not tell refuses nothing.
        #expect(FreeMemory(bytes: nil).refusal(of: row) == nil)
        #expect(try #require(FreeMemory().bytes) > 0)
    }

    @Test("measures a map on 64 workers, and counts the system calls of a worker")
    func workers() throws {
        let run = try CommandRun(["overhead", "--row", "64 workers", "--rounds", "1", "--no-python", "--json"])
        #expect(run.code == 0, "\(run.errors)")
        let rows = try #require(Self.object(run.output)["rows"] as? [[String: Any]])
        #expect(rows.map { $0["row"] as? String } == ["64 workers, a no-op each"])
        #expect((rows[0]["cells"] as? [[String: Any]])?.count == 2)

        let counted = try CommandRun(["overhead", "--row", "no-op for each worker", "--no-python", "--json"])
        let calls = try #require(Self.counts(counted.output)[0]["system_calls"] as? Double)
        // At the least a fork and a wait, and an exit.
        #expect(calls >= 3)
    }

    @Test("reads the memory of a worker of each kind, which no worker by fork has much of")
    func memory() throws {
        let run = try CommandRun(["overhead", "--row", "memory:", "--no-python", "--json"])
        #expect(run.code == 0, "\(run.errors)")
        let counts = try Self.counts(run.output)
        #expect(counts.count == 4)
        for count in counts {
            let name = try #require(count["workload"] as? String)
            let own = try #require(count["private_kib"] as? Double)
            let tables = try #require(count["page_tables_kib"] as? Double)
            // A stack and some pages of data; and not the memory of the whole program, unless it is a program of its own.
            #expect(own > 8 && own < (name.hasSuffix("by exec") ? 16_000 : 1000), "\(name): \(own)")
            #expect(tables > 8 && tables < 1000, "\(name): \(tables)")
        }
    }

    @Test("counts the pages of a child that it has alone, and its page tables")
    func tree() throws {
        let size = 8 << 20
        let pool = ForkPool(workers: 1)
        let memory = try pool.map(0..<1) { _ in
            let before = TreeMemory(of: getpid())
            let bytes = [UInt8](repeating: 1, count: size)
            let after = TreeMemory(of: getpid())
            return withExtendedLifetime(bytes) { [after.own - before.own, after.pageTables - before.pageTables] }
        }[0]
        // The array, and little else.
        #expect(memory[0] >= size / 1024 && memory[0] < size / 1024 + 1024)
        #expect(memory[1] >= 0 && memory[1] <= 64)
    }

    private static func object(_ document: String) throws -> [String: Any] {
        try #require(JSONSerialization.jsonObject(with: Data(document.utf8)) as? [String: Any])
    }

    private static func counts(_ document: String) throws -> [[String: Any]] {
        try #require(object(document)["counts"] as? [[String: Any]])
    }
}
#endif
