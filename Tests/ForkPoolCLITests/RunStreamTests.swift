// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Glibc
import Testing

@Suite("forkpool run, outputs of jobs that run")
struct RunStreamTests {
    private let scratch: ScratchFolder

    init() throws {
        scratch = try ScratchFolder()
    }

    /// A script that waits until the test writes the file `go`.
    private var wait: String { "until [ -e '\(scratch.path)/go' ]; do sleep 0.05; done" }

    /// Waits until a job made a file.
    private func waitFor(_ name: String) throws {
        for _ in 0..<6000 where !FileManager.default.fileExists(atPath: "\(scratch.path)/\(name)") { usleep(10_000) }
        try #require(FileManager.default.fileExists(atPath: "\(scratch.path)/\(name)"), "no \(name) after a minute")
    }

    @Test("the first unfinished job is printed line by line, and those after it wait for it")
    func first() async throws {
        let script = "echo begin $1; echo error $1 >&2; printf half; [ $1 = 2 ] || \(wait); echo end $1"
        let run = try RunningCommand(["run", "-j2", "--sh", script, ":::", "1", "2"])
        #expect(try run.read { $0.hasSuffix("\n") } == "begin 1\n")
        try scratch.write("", to: "go")
        let end = try run.end()
        #expect(end.output == "halfend 1\nbegin 2\nhalfend 2\n" && end.status == 0)
        #expect(end.errors == "error 1\nerror 2\n")
    }

    @Test("the tag stands once in front of each line that is printed early, also with files of results")
    func tagged() async throws {
        let script = "echo begin; printf half; \(wait); echo end"
        let run = try RunningCommand(["run", "--tag", "--results", scratch.path + "/r", "--sh", script, ":::", "x"])
        #expect(try run.read { $0.hasSuffix("\n") } == "x\tbegin\n")
        try scratch.write("", to: "go")
        #expect(try run.end().output == "x\thalfend\n")
        #expect(try String(contentsOfFile: scratch.path + "/r/1.out", encoding: .utf8) == "begin\nhalfend\n")
    }

    @Test("with retries only the last attempt is printed, when it has ended")
    func retries() throws {
        let script =
            "echo x >>'\(scratch.path)/n'; n=$(wc -l <'\(scratch.path)/n'); echo attempt $n; sleep 0.3; [ $n = 2 ]"
        let run = try CommandRun(["run", "--retries", "1", "--sh", script, ":::", "x"])
        #expect(run.output == "attempt 2\n" && run.code == 0)
    }

    @Test("--order lines prints whole lines of all jobs with their items, while they run")
    func lines() async throws {
        let script = "echo begin; printf half; \(wait); printf ' end'"
        let run = try RunningCommand(["run", "-j2", "--order", "lines", "--sh", script, ":::", "a", "b"])
        let begin = try run.read { $0.split(separator: "\n").count == 2 && $0.hasSuffix("\n") }
        #expect(begin.split(separator: "\n").sorted() == ["a\tbegin", "b\tbegin"])
        try scratch.write("", to: "go")
        let rest = try run.end()
        #expect(rest.output.split(separator: "\n").sorted() == ["a\thalf end", "b\thalf end"])
        #expect(rest.output.hasSuffix("\n") && rest.status == 0)
    }

    @Test("--order lines tears no line of 20 jobs, and loses none")
    func wholeLines() throws {
        let script = "i=0; while [ $i -lt 2000 ]; do printf '%s-' $1; printf '%s\\n' $i; i=$((i + 1)); done"
        let run = try CommandRun(["run", "-j4", "--order", "lines", "--sh", script, ":::"] + (1...20).map(String.init))
        let lines = run.output.split(separator: "\n").map(String.init)
        #expect(lines.count == 40_000)
        for job in 1...20 {
            #expect(lines.filter { $0.hasPrefix("\(job)\t") } == (0..<2000).map { "\(job)\t\(job)-\($0)" })
        }
    }

    @Test(
        "a signal prints what the jobs have written so far, and what waited for them",
        arguments: [
            (SIGINT, "SIGINT"), (SIGTERM, "SIGTERM"), (SIGHUP, "SIGHUP"), (SIGQUIT, "SIGQUIT"), (SIGABRT, "SIGABRT"),
            (SIGUSR1, "SIGUSR1"), (SIGUSR2, "SIGUSR2"), (SIGVTALRM, "SIGVTALRM"), (SIGPROF, "SIGPROF"),
            (SIGIO, "SIGPOLL"),
            (SIGPWR, "SIGPWR"), (SIGSTKFLT, "SIGSTKFLT"), (SIGXCPU, "SIGXCPU"),
        ])
    func interrupted(_ number: Int32, _ name: String) async throws {
        let script = """
            printf "out $1"; echo "err $1" >&2; : >'\(scratch.path)/'$1; [ $1 = 2 ] || exec sleep 1000
            """
        let log = scratch.path + "/log"
        let run = try RunningCommand(["run", "-j2", "--log", log, "--sh", script, ":::", "1", "2", "3"])
        // The third job starts when the second has ended.
        try waitFor("3")
        kill(run.pid, number)
        let end = try run.end()
        #expect(end.output == "out 1out 2out 3" && end.status & 0x7F == number)
        let errors = end.errors.split(separator: "\n").map(String.init)
        #expect(
            errors == [
                "err 1", "forkpool: job 1 (1): unfinished: \(name) stopped it", "err 2", "err 3",
                "forkpool: job 3 (3): unfinished: \(name) stopped it",
                "forkpool: interrupted by \(name): 1 done, 2 ended; nothing is left running; go on with --resume \(log)",
            ], "\(end.errors)")
        // The log has the finished job alone.
        let lines = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 1 && lines[0].hasPrefix("{\"seq\": 2,"))
    }

    @Test("a signal ends a run whose reader takes nothing")
    func blocked() async throws {
        let job = "head -c 1000000 /dev/zero; : >'\(scratch.path)/'$1"
        let run = try RunningCommand(["run", "-j1", "--sh", job, ":::", "1", "2"])
        try waitFor("1")
        kill(run.pid, SIGTERM)
        // Nothing reads its output until it has ended.
        #expect(try run.endUnread().map { $0 & 0x7F } == SIGTERM)
    }
}
#endif
