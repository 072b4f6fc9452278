// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Testing

@testable import ForkPoolCLI

/// What `scripts/cluster-test` shows on three hosts is not repeated here.
@Suite("forkpool overhead --cluster")
struct OverheadClusterTests {
    @Test("measures one host, if no launcher started the command")
    func oneHost() throws {
        let run = try CommandRun(["overhead", "--cluster", "--row", "with a journal", "--rounds", "2", "--json"])
        #expect(run.code == 0, "\(run.errors)")
        let object = try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any]
        #expect(object?["cluster"] as? String == "Ranks: 1, with 2 workers each.")
        let rows = try #require(object?["rows"] as? [[String: Any]])
        let cells = try #require(rows.first?["cells"] as? [[String: Any]])
        #expect(rows.count == 1)
        #expect(cells.map { $0["column"] as? String } == ["cluster", "without journal"])
        #expect(cells[0]["ratio_to_floor"] is Double && cells[1]["ratio_to_floor"] is NSNull)
    }

    @Test("refuses to be one of several copies that do not find each other")
    func copies() throws {
        let run = try CommandRun(
            ["overhead", "--cluster"], environment: ["PATH=/usr/bin:/bin", "OMPI_COMM_WORLD_SIZE=3"])
        #expect(run.code == 70 && run.output.isEmpty)
        #expect(run.errors.contains("3 copies of this program were started") && run.errors.count { $0 == "\n" } == 1)
    }

    @Test("has no limits, and no row of another table", arguments: [["--check", "limits"], ["--row", "warm call"]])
    func mistakes(_ arguments: [String]) throws {
        let run = try CommandRun(["overhead", "--cluster"] + arguments)
        #expect(run.code == 64 && run.output.isEmpty && !run.errors.isEmpty)
    }
}
#endif
