// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Glibc
import Testing

@Suite("forkpool run, interrupted or resumed")
struct RunEndTests {
    /// A job with a child; both write to the output of forkpool itself, and run for ever.
    private let endless = ["run", "-j2", "--order", "live", "--sh", "sleep 1000 & echo here; exec sleep 1000"]

    @Test(
        "by any signal ends with its jobs and their children",
        arguments: [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGABRT, SIGKILL])
    func signals(_ number: Int32) async throws {
        let run = try RunningCommand(endless + [":::", "a", "b"])
        #expect(run.read(atLeast: 10) == "here\nhere\n")
        kill(run.pid, number)
        // Returns when no process has the output open.
        let (_, errors, status) = try run.end()
        #expect(status & 0x7F == number)
        let name = [SIGINT: "SIGINT", SIGTERM: "SIGTERM", SIGHUP: "SIGHUP", SIGQUIT: "SIGQUIT", SIGABRT: "SIGABRT"][
            number]
        #expect(
            errors == (name.map { "forkpool: interrupted by \($0): 0 done, 2 ended; nothing is left running\n" } ?? ""))
    }

    @Test("kills a job that ignores SIGTERM after two seconds, or at once on a second signal")
    func stubborn() async throws {
        let run = try RunningCommand([
            "run", "--order", "live", "--sh", "trap '' TERM; echo here; while :; do sleep 1; done", ":::", "a",
        ])
        #expect(run.read(atLeast: 5) == "here\n")
        kill(run.pid, SIGINT)
        kill(run.pid, SIGINT)
        let (_, errors, status) = try run.end()
        #expect(status & 0x7F == SIGINT && errors.contains("interrupted by SIGINT: 0 done, 1 ended"))
    }

    @Test("sends SIGTERM to each job once, so that it can clean up, also to a stopped one")
    func once() async throws {
        let script = "trap 'echo told' TERM; echo here; n=0; while [ $n -lt 3 ]; do sleep 0.3; n=$((n + 1)); done"
        let run = try RunningCommand(["run", "--order", "live", "--sh", script, ":::", "a"])
        #expect(run.read(atLeast: 5) == "here\n")
        kill(run.pid, SIGTERM)
        #expect(try run.end().output == "told\n")
        let stopped = try RunningCommand([
            "run", "--order", "live", "--sh", "trap 'echo told; exit' TERM; echo $$; while :; do sleep 9 & wait; done",
            ":::",
            "a",
        ])
        let line = try stopped.read { $0.hasSuffix("\n") }
        kill(try #require(Int32(line.dropLast())), SIGSTOP)
        kill(stopped.pid, SIGTERM)
        #expect(try stopped.end().output == "told\n")
    }

    @Test("at its end stops the processes that jobs left running, also in other sessions")
    func left() async throws {
        let run = try RunningCommand([
            "run", "--order", "live", "--sh", "sleep 1000 & setsid sleep 1000 & echo done", ":::", "a", "b",
        ])
        let (output, errors, status) = try run.end()
        #expect(output == "done\ndone\n" && status == 0)
        #expect(errors == "forkpool: stopped 4 processes that jobs left running\n")
    }

    @Test("on a terminal shows a status line, and erases it at the end")
    func terminal() async throws {
        let run = try RunningCommand(
            ["run", "-j1", "--sh", "[ $1 = a ] || exec sleep 1000", ":::", "a", "b"], onTerminal: true)
        let before = run.terminalState()
        _ = try run.read { $0.contains("1 of 2 done, 1 running, 0:") }
        kill(-run.pid, SIGINT)
        let (output, _, status) = try run.end()
        #expect(status & 0x7F == SIGINT)
        #expect(
            output.hasSuffix("\r\u{1B}[Kforkpool: interrupted by SIGINT: 1 done, 1 ended; nothing is left running\r\n"))
        #expect(run.terminalState() == before)
    }

    @Test("suspends its jobs at Ctrl-Z, and continues them")
    func stopped() async throws {
        let folder = try ScratchFolder()
        // The job waits for the file, for a minute at most.
        let script = "echo here; n=0; until [ -e \(folder.path)/go ] || [ $n = 600 ]; do sleep 0.1; n=$((n + 1)); done"
        let run = try RunningCommand(["run", "--order", "live", "--sh", script + "; echo over", ":::", "a"])
        #expect(run.read(atLeast: 5) == "here\n")
        kill(run.pid, SIGTSTP)
        var status: Int32 = 0
        #expect(unsafe waitpid(run.pid, &status, WUNTRACED) == run.pid)
        #expect(status & 0xFF == 0x7F && status >> 8 & 0xFF == SIGTSTP)
        try folder.write("", to: "go")
        kill(run.pid, SIGCONT)
        let (output, _, end) = try run.end()
        #expect(output == "over\n" && end == 0)
    }

    @Test("does not count a suspension as time of its jobs, which percentages of the median are about")
    func suspended() throws {
        let folder = try ScratchFolder()
        let log = folder.path + "/log"
        // The job waits for the file, for some minutes at most.
        let script = "echo here; n=0; until [ -e \(folder.path)/go ] || [ $n = 6000 ]; do sleep 0.1; n=$((n + 1)); done"
        let clock = ContinuousClock()
        let start = clock.now
        let run = try RunningCommand(["run", "--log", log, "--order", "live", "--sh", script, ":::", "a"])
        #expect(run.read(atLeast: 5) == "here\n")
        kill(run.pid, SIGTSTP)
        var status: Int32 = 0
        #expect(unsafe waitpid(run.pid, &status, WUNTRACED) == run.pid)
        try #require(status & 0xFF == 0x7F && status >> 8 & 0xFF == SIGTSTP)
        let suspended = clock.now
        usleep(1_500_000)
        let continued = clock.now
        try folder.write("", to: "go")
        kill(run.pid, SIGCONT)
        let (_, errors, end) = try run.end()
        let most = (suspended - start + (clock.now - continued)) / .seconds(1)
        #expect(end == 0 && errors.isEmpty)
        let line = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: log)))
        let wall = try #require((line as? [String: Any])?["wall"] as? Double)
        // However slow the machine is, the job ran at most all of the time that the run was not suspended.
        #expect(wall >= 0 && wall <= most, "\(wall) of \(most) s")
    }

    @Test("without --shard names its log as it is in the advice")
    func advice() throws {
        let folder = try ScratchFolder()
        let log = folder.path + "/l-{shard}"
        let run = try RunningCommand([
            "run", "--log", log, "--order", "live", "--sh", "echo here; exec sleep 1000", ":::", "a",
        ])
        #expect(run.read(atLeast: 5) == "here\n")
        kill(run.pid, SIGTERM)
        let (_, errors, status) = try run.end()
        #expect(status & 0x7F == SIGTERM)
        #expect(errors.hasSuffix("; go on with --resume \(log)\n"), "\(errors)")
        #expect(FileManager.default.fileExists(atPath: log))
    }

    @Test("resumes after several kills at random moments, and no byte of a result is missing")
    func resume() async throws {
        let folder = try ScratchFolder()
        let (log, results) = (folder.path + "/log", folder.path + "/results")
        let items = (1...150).map(String.init)
        let arguments = [
            "run", "-j3", "--resume", log, "--results", results, "--sh", "echo $1; head -c 20000 /dev/zero; echo $1",
            ":::",
        ]
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<4 {
            let run = try RunningCommand(arguments + items)
            _ = run.read(atLeast: Int.random(in: 1..<500_000, using: &generator))
            kill(run.pid, SIGKILL)
            _ = try run.end()
            // As if the machine had failed during the write of a line.
            let file = unsafe open(log, O_WRONLY | O_APPEND)
            if Bool.random(using: &generator) { unsafe write(file, "{\"seq\": 1", 9) }
            close(file)
        }
        let last = try CommandRun(arguments + items)
        #expect(last.code == 0 && last.errors.isEmpty)
        for item in items {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(results)/\(item).out"))
            #expect(bytes == Data("\(item)\n".utf8) + Data(count: 20_000) + Data("\(item)\n".utf8))
        }
        let entries = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n").map {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] ?? [:]
        }
        #expect(Set(entries.compactMap { $0["seq"] as? Int }) == Set(1...150))
        // It refuses the log of a run with other items before any job starts.
        let other = try CommandRun(["run", "--resume", log, "echo", ":::", "x"])
        #expect(
            other.code == 64 && other.output.isEmpty && other.errors.contains("of a run with other items: its job 1"))
    }
}
#endif
