import Foundation
import Glibc
import Testing

@Suite("forkpool run, ended before its end")
struct RunEndTests {
    /// A job that has a child, both of which have the tool's own output and run for ever.
    private let endless = ["run", "-j2", "--order", "live", "--sh", "sleep 1000 & echo here; exec sleep 1000"]

    @Test(
        "ends its jobs and what they left with itself, by whatever signal",
        arguments: [SIGINT, SIGTERM, SIGHUP, SIGKILL])
    func signals(_ number: Int32) async throws {
        let run = try Running(endless + [":::", "a", "b"])
        #expect(run.read(atLeast: 10) == "here\nhere\n")
        kill(run.pid, number)
        // Returns when nobody has the output any more.
        let (_, errors, status) = try run.end()
        #expect(status & 0x7F == number)
        let name = [SIGINT: "SIGINT", SIGTERM: "SIGTERM", SIGHUP: "SIGHUP"][number]
        #expect(
            errors == (name.map { "forkpool: interrupted by \($0): 0 done, 2 ended; nothing is left running\n" } ?? ""))
    }

    @Test("kills who does not end within two seconds, or at once if it is asked twice")
    func stubborn() async throws {
        let run = try Running([
            "run", "--order", "live", "--sh", "trap '' TERM; echo here; while :; do sleep 1; done", ":::", "a",
        ])
        #expect(run.read(atLeast: 5) == "here\n")
        kill(run.pid, SIGINT)
        kill(run.pid, SIGINT)
        let (_, errors, status) = try run.end()
        #expect(status & 0x7F == SIGINT && errors.contains("interrupted by SIGINT: 0 done, 1 ended"))
    }

    @Test("tells each job once, so that it can clean up, also one that was stopped")
    func once() async throws {
        let script = "trap 'echo told' TERM; echo here; n=0; while [ $n -lt 3 ]; do sleep 0.3; n=$((n + 1)); done"
        let run = try Running(["run", "--order", "live", "--sh", script, ":::", "a"])
        #expect(run.read(atLeast: 5) == "here\n")
        kill(run.pid, SIGTERM)
        #expect(try run.end().output == "told\n")
        let stopped = try Running([
            "run", "--order", "live", "--sh", "trap 'echo told; exit' TERM; echo $$; while :; do sleep 9; done", ":::",
            "a",
        ])
        let line = try stopped.read { $0.hasSuffix("\n") }
        kill(try #require(Int32(line.dropLast())), SIGSTOP)
        kill(stopped.pid, SIGTERM)
        #expect(try stopped.end().output == "told\n")
    }

    @Test("ends at its end what jobs left behind, wherever it went")
    func left() async throws {
        let run = try Running([
            "run", "--order", "live", "--sh", "sleep 1000 & setsid sleep 1000 & echo done", ":::", "a", "b",
        ])
        let (output, errors, status) = try run.end()
        #expect(output == "done\ndone\n" && status == 0)
        #expect(errors == "forkpool: 4 processes that jobs left behind: ended\n")
    }

    @Test("on a terminal shows how far it is, and leaves nothing of that there")
    func terminal() async throws {
        let run = try Running(
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

    @Test("stops with its jobs at Ctrl-Z, and goes on with them")
    func stopped() async throws {
        let folder = try ScratchFolder()
        // It goes on until it is told to end, for a minute at most.
        let script = "echo here; n=0; until [ -e \(folder.path)/go ] || [ $n = 600 ]; do sleep 0.1; n=$((n + 1)); done"
        let run = try Running(["run", "--order", "live", "--sh", script + "; echo over", ":::", "a"])
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

    @Test("goes on after a kill at a random moment, as often as it takes, and no byte of a result is missing")
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
            let run = try Running(arguments + items)
            _ = run.read(atLeast: Int.random(in: 1..<500_000, using: &generator))
            kill(run.pid, SIGKILL)
            _ = try run.end()
            // As if the machine had stopped while a line was written.
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
        // A log of other items is refused before anything is begun.
        let other = try CommandRun(["run", "--resume", log, "echo", ":::", "x"])
        #expect(other.code == 64 && other.output.isEmpty && other.errors.contains("of a run with other items: job 1"))
    }
}
