// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Glibc
import Testing

@Suite("forkpool run, on a terminal")
struct RunTerminalTests {
    /// Runs until the end; checks that texts that were once there stay, and that there was a bar.
    ///
    /// - Returns: The lines at the end.
    private func lines(_ arguments: [String], columns: Int, keeping texts: [String]) throws -> [String] {
        let run = try RunningCommand(["run"] + arguments, onTerminal: true, columns: columns)
        let output = try run.end().output
        var screen = TerminalScreen(columns: columns)
        var seen: Set<String> = []
        var hadBar = false
        for scalar in output.unicodeScalars {
            screen.take(String(scalar))
            for text in texts where screen.shows(text) { seen.insert(text) }
            for text in seen where !screen.shows(text) { Issue.record("\(text) was erased: \(output)") }
            hadBar = hadBar || screen.lines.last?.contains(" done") == true
        }
        #expect(seen == Set(texts), "\(output.debugDescription)")
        #expect(hadBar, "\(output.debugDescription)")
        #expect(!screen.lines.contains { $0.contains(" done") }, "\(screen.lines)")
        return screen.lines
    }

    @Test("the bar erases no output without a newline, and leaves the screen", arguments: [60, 120])
    func partial(_ columns: Int) throws {
        for order in ["keep", "done"] {
            let shown = try lines(
                ["-j1", "--order", order, "--sh", "sleep 0.3; printf \"part$1\"", ":::", "1", "2", "3"],
                columns: columns, keeping: ["part1", "part2", "part3"])
            #expect(shown.joined() == "part1part2part3")
        }
    }

    @Test("the bar erases no output that fills a line", arguments: [60, 120])
    func wide(_ columns: Int) throws {
        let texts = ["1", "2"].map { String(repeating: $0, count: columns * 2) }
        let script = "sleep 0.3; printf '%0\(columns * 2)d' 0 | tr 0 $1"
        let shown = try lines(["-j1", "--sh", script, ":::", "1", "2"], columns: columns, keeping: texts)
        #expect(shown.joined() == texts.joined())
    }

    @Test("nor the end of a large output")
    func large() throws {
        let script = "sleep 0.3; head -c 100000 /dev/zero | tr '\\0' '\\n'; printf end$1"
        let shown = try lines(["-j1", "--sh", script, ":::", "1", "2"], columns: 80, keeping: [])
        #expect(shown.filter { !$0.isEmpty }.joined() == "end1end2")
    }

    @Test("nor what jobs write to standard error, and messages begin a line", arguments: [60, 120])
    func errors(_ columns: Int) throws {
        let shown = try lines(
            ["-j1", "--sh", "sleep 0.3; printf out$1; printf err$1 >&2; [ $1 = 2 ]", ":::", "1", "2"],
            columns: columns, keeping: ["out1err1", "out2err2"])
        #expect(shown == ["out1err1", "forkpool: job 1 (1): exit status 1", "out2err2"])
    }

    @Test("messages at the end of a run begin a line")
    func last() throws {
        let left = try lines(
            ["-j1", "--sh", "sleep 0.3; printf out; sleep 1000 >/dev/null 2>&1 &", ":::", "1"], columns: 80, keeping: []
        )
        #expect(left == ["out", "forkpool: stopped 1 process that jobs left running"])
        let failing = try lines(
            ["-j1", "--fail-fast", "--sh", "sleep 0.3; printf out; exit 1", ":::", "1", "2"], columns: 80,
            keeping: ["out"])
        #expect(
            failing == [
                "out", "forkpool: job 1 (1): exit status 1",
                "forkpool: --fail-fast: 1 of 2 jobs from job 2 (2) on never began",
            ])
    }

    @Test("bench and check have no status line beside the output of commands", arguments: ["bench", "check"])
    func measured(_ verb: String) throws {
        let command = "sh -c 'sleep 0.2; printf part'"
        let words =
            verb == "bench"
            ? ["-n", "3", "--warmup", "0", command] : ["--base", command, "--head", command, "--max-time", "1s"]
        for (option, isShown) in [([], false), (["--show-output"], true)] {
            let run = try RunningCommand([verb] + option + words, onTerminal: true)
            let output = try run.end().output
            #expect(output.contains("\u{1B}[K") == !isShown && output.contains("partpart") == isShown, "\(output)")
        }
    }

    @Test("standard output in a file: what jobs write to standard error is not after the bar")
    func redirected() throws {
        let file = try ScratchFolder()
        let run = try RunningCommand(
            ["-c", "exec \"$0\" run -j1 --sh 'sleep 0.3; echo err$1 >&2; echo out$1' ::: 1 2 >'\(file.path)/out'"],
            through: "/bin/sh", onTerminal: true)
        let output = try run.end().output
        var screen = TerminalScreen(columns: 80)
        screen.take(output)
        #expect(screen.lines == ["err1", "err2"] && output.contains("of 2 done"), "\(output.debugDescription)")
    }

    @Test("a signal prints an unfinished line, and the message begins a new one")
    func interrupted() throws {
        let run = try RunningCommand(
            ["run", "-j1", "--sh", "printf here; exec sleep 1000", ":::", "a"], onTerminal: true)
        // The bar shows the job once it has run for a second.
        let before = try run.read { $0.contains("longest: a") }
        kill(run.pid, SIGTERM)
        var screen = TerminalScreen(columns: 80)
        screen.take(before + (try run.end().output))
        let lines = screen.lines
        try #require(lines.count >= 3, "\(lines)")
        #expect(lines[0] == "here" && lines[1] == "forkpool: job 1 (a): unfinished: SIGTERM stopped it")
        #expect(lines[2].hasPrefix("forkpool: interrupted by SIGTERM: 0 done, 1 ended"))
    }
}
#endif
