// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Testing

@testable import ForkPoolCLI

@Suite("Numbers beyond all use")
struct NumberTests {
    @Test("a run takes percentages beyond all processors and times")
    func percentages() throws {
        let many = try CommandRun(["run", "-j", "1e300%", "echo", ":::", "a", "b"])
        #expect(many.output == "a\nb\n" && many.code == 0, "\(many.errors)")
        #expect(try #require(JobCount(argument: "1e300%")).number(processors: 2, items: nil) == JobCount.most)
        let long = try CommandRun(["run", "-j1", "--timeout", "1e300%", "echo", ":::", "1", "2", "3", "4", "5"])
        #expect(long.output == "1\n2\n3\n4\n5\n" && long.code == 0, "\(long.errors)")
    }

    @Test("a run refuses batches larger than any command", arguments: ["1000000T", "2G", "0"])
    func batches(_ size: String) throws {
        for form in ["-X", "-n2"] {
            let run = try CommandRun(["run", form, "--batch-bytes", size, "echo", ":::", "a", "b"])
            #expect(run.code == 64 && run.output.isEmpty)
            #expect(run.errors.contains("--batch-bytes must be from 1 to 1GiB."), "\(run.errors)")
        }
    }

    @Test("a merge refuses a record of a negative number of shards", arguments: [(0, -1), (-1, 1), (1, 1)])
    func shards(_ shard: Int, _ shards: Int) throws {
        let folder = try ScratchFolder()
        let record = """
            {"shard": \(shard), "shards": \(shards), "items": 0, "split": "strided", "failed": [], "command": "echo", \
            "digest": "0"}

            """
        let file = try folder.write(record, to: "out/shard-0-of-1.json")
        let run = try CommandRun(["merge", folder.path + "/out"])
        #expect(run.code == 66 && run.output.isEmpty, "\(run.errors)")
        #expect(run.errors.contains("\(file): is no record of a shard"), "\(run.errors)")
    }

    @Test("a chart of a history leaves out figures that are beyond all measure")
    func history() throws {
        let folder = try ScratchFolder()
        func line(_ value: String, _ more: String = "") -> String {
            #"{"time": "2026-11-30T05:40:00Z", "results": [{"name": "true", "metric": "wall", "value": \#(value)\#(more)}]}"#
                + "\n"
        }
        let text =
            line("1.7e308") + line("-1.7e308") + line("1", #", "low": -1.7e308, "high": 1.7e308"#) + line("0.001")
        let file = try folder.write(text, to: "history.jsonl")
        let run = try CommandRun(["bench", "-n", "1", "--history", file, "--svg", "-", "true"])
        #expect(run.code == 0 && run.output.hasSuffix("</svg>\n") && run.errors.isEmpty, "\(run.errors)")
        // The third and the fourth line, and this run.
        #expect(run.output.components(separatedBy: "<circle").count == 4)
    }

    @Test("a ratio that is infinite has no line")
    func ratios() {
        let infinite = Ratio(of: [1, 1, 1, 1, 1, 1, 1, 1], to: [0, 0, 0, 0, 0, 0, 0, 0], error: 0.05)
        #expect(infinite.interval != nil && infinite.estimate == .infinity)
        #expect(IntervalLine.draw(infinite) == nil)
        #expect(IntervalLine.draw(Ratio(exact: [1, 2, .infinity])) == nil)
        #expect(IntervalLine.draw(Ratio(exact: [1, 2, 3]), limit: .infinity) == nil)
        #expect(IntervalLine.draw(Ratio(exact: [1, 2, 3])) != nil)
    }
}
#endif
