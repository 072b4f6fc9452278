// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Glibc
import Testing

@testable import ForkPoolCLI

@Suite("forkpool run: progress")
struct RunProgressTests {
    private func tally(_ succeeded: Int, failed: Int = 0) -> JobTally {
        var tally = JobTally()
        for number in 0..<(succeeded + failed) {
            let status = JobResult.Status.exited(number < succeeded ? 0 : 1)
            let job = RunJob(number: number + 1, position: number + 1, values: [[]])
            tally.count(job, JobResult(status: status, words: [[]], start: 0, wall: 0, usage: nil))
        }
        return tally
    }

    @Test("the bar has everything that there is room for, and fits")
    func bar() {
        let progress = RunProgress(
            tally: tally(300, failed: 3), running: 2, total: 1000, seconds: 30.3,
            longest: ("a very long name of an item that runs", 75.5))
        #expect(
            progress.bar(columns: 119)
                == "[######..............] 303 of 1000 done, 2 running, 3 failed, 1:10 left, 10/s, longest: a very long name of an ite 1:15"
        )
        #expect(progress.bar(columns: 60) == "[####..........] 303 of 1000 done, 3 failed, 1:10 left, 10/s")
        for columns in 1...200 {
            #expect(columnCount(progress.bar(columns: columns)) <= columns, "\(columns)")
        }
        let wide = RunProgress(
            tally: tally(1), running: 1, total: 2, seconds: 2, longest: (String(repeating: "漢", count: 40), 3))
        for columns in 40...200 { #expect(columnCount(wide.bar(columns: columns)) <= columns, "\(columns)") }
    }

    @Test("the line says the same, without a total as well")
    func line() {
        #expect(
            RunProgress(tally: tally(9, failed: 1), running: 2, total: 40, seconds: 4, longest: ("x", 2)).line
                == "25%: 10 of 40 done, 2 running, 1 failed, 0:12 left, 2.5/s, longest: x 0:02")
        #expect(RunProgress(tally: tally(0), running: 2, total: nil, seconds: 1).line == "0 done, 2 running")
        #expect(
            RunProgress(tally: tally(4), running: 2, total: 40_004, seconds: 4).line.hasSuffix("11:06:40 left, 1.0/s"))
        #expect(
            RunProgress(tally: tally(1), running: 1, total: nil, seconds: 36, waiting: "waiting").line
                == "1 done, 1 running, waiting, 100/h")
    }

    @Test("--progress plain prints a line for each tenth of the jobs, without a terminal")
    func plain() throws {
        let run = try CommandRun(["run", "-j1", "--progress", "plain", "true", ":::"] + (1...20).map(String.init))
        #expect(run.code == 0 && run.output.isEmpty)
        let shares = run.errors.split(separator: "\n").compactMap { line in
            line.hasPrefix("forkpool: ") ? Int(line.dropFirst(10).prefix { $0 != "%" }) : nil
        }
        // A stalled machine may add a line after ten seconds.
        #expect(Set(shares).isSuperset(of: [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]), "\(run.errors)")
        #expect(try CommandRun(["run", "true", ":::", "a"]).errors.isEmpty)
        #expect(try CommandRun(["run", "--progress", "none", "true", ":::", "a"]).errors.isEmpty)
    }

    @Test("NO_COLOR keeps the bar, TERM=dumb does not, and live jobs have the terminal for themselves")
    func terminal() throws {
        func shown(_ variables: [String], _ more: [String] = []) throws -> String {
            let script =
                "script -qec \"'$0' run \(more.joined(separator: " ")) --sh 'echo x; sleep 0.5' ::: 1 2\" /dev/null </dev/null"
            return try CommandRun(
                [], through: ["/bin/sh", "-c", script], environment: ["PATH=/usr/bin:/bin"] + variables
            ).output
        }
        let plain = try shown(["TERM=xterm", "NO_COLOR=1"])
        #expect(plain.contains("of 2 done") && plain.contains("\u{1B}[K"), "\(plain)")
        #expect(try !shown(["TERM=dumb"]).contains("of 2 done"))
        #expect(try !shown(["TERM=xterm"], ["--progress", "none"]).contains("of 2 done"))
        let live = try shown(["TERM=xterm"], ["--order", "live", "-j1"])
        #expect(live == "x\r\nx\r\n", "\(live)")
    }
}
#endif
