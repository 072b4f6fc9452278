import Foundation
import Glibc
import Testing

@Suite("forkpool bench")
struct BenchTests {
    private let scratch: ScratchFolder

    init() throws {
        scratch = try ScratchFolder()
    }

    private func bench(_ arguments: [String], to output: CommandRun.Output = .file) throws -> CommandRun {
        try CommandRun(["bench"] + arguments, to: output)
    }

    /// The document that `--json -` prints.
    private func document(_ arguments: [String]) throws -> [String: Any] {
        let run = try bench(["--json", "-"] + arguments)
        #expect(run.code == 0 && run.errors.isEmpty)
        return try #require(JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
    }

    private func results(_ arguments: [String]) throws -> [[String: Any]] {
        try #require(document(arguments)["results"] as? [[String: Any]])
    }

    // MARK: - Measuring

    @Test("tells of each command what it took, and how the second compares with the first")
    func report() throws {
        let run = try bench(["-n", "12", "sleep 0.01", "sleep 0.05"])
        #expect(run.code == 0 && run.errors.isEmpty)
        #expect(run.output.hasPrefix("A  sleep 0.01\n"))
        #expect(run.output.contains("\nB  sleep 0.05\n"))
        #expect(run.output.contains("12 runs"))
        #expect(run.output.contains("\nB is "))
        #expect(run.output.contains("] × A by wall time, "))
        #expect(run.output.contains(" % of wall time with 12 pairs.\n"))
        #expect(!run.output.contains("\u{1B}"))
    }

    @Test("the document has what hyperfine's has, and every run besides")
    func json() throws {
        let document = try document(["-n", "7", "--seed", "42", "sleep 0.01", "sh -c 'exit 0'"])
        let results = try #require(document["results"] as? [[String: Any]])
        #expect(results.map { $0["command"] as? String } == ["sleep 0.01", "sh -c 'exit 0'"])
        for result in results {
            let times = try #require(result["times"] as? [Double])
            #expect(times.count == 7)
            #expect((result["memory_usage_byte"] as? [Int])?.count == 7)
            #expect(result["exit_codes"] as? [Int] == Array(repeating: 0, count: 7))
            #expect((result["parameters"] as? [String: String])?.isEmpty == true)
            #expect(result["min"] as? Double == times.min() && result["max"] as? Double == times.max())
            #expect(result["median"] as? Double == times.sorted()[3])
            let mean = try #require(result["mean"] as? Double)
            #expect(abs(mean - times.reduce(0, +) / 7) < 1e-9)
            for key in ["stddev", "user", "system"] { #expect(result[key] is Double) }
        }
        // A sleep of 10 ms takes no less.
        #expect((results[0]["times"] as? [Double])?.allSatisfy { $0 >= 0.01 } == true)
        let ours = try #require(document["forkpool"] as? [String: Any])
        #expect((ours["design"] as? [String: Any])?["seed"] as? Int == 42)
        #expect(ours["verb"] as? String == "bench")
        let runs = try #require(ours["runs"] as? [[String: Any]])
        #expect(runs.count == 2)
        #expect((runs[0]["wall_ns"] as? [Int])?.count == 7)
        let comparisons = try #require(ours["comparisons"] as? [[String: Any]])
        #expect(comparisons.map { $0["metric"] as? String } == ["wall", "cpu"])
        #expect(comparisons[0]["base"] as? String == "A" && comparisons[0]["head"] as? String == "B")
        let ratio = try #require(comparisons[0]["ratio"] as? Double)
        #expect(try ratio >= #require(comparisons[0]["low"] as? Double))
        #expect(try ratio <= #require(comparisons[0]["high"] as? Double))
    }

    @Test("without -n it runs each at least 10 times, however little time it has")
    func fewest() throws {
        let times = try results(["--max-time", "1ms", "true", "true"]).map { $0["times"] as? [Double] }
        #expect(times.map { $0?.count ?? 0 }.allSatisfy { $0 >= 10 })
    }

    @Test("a command after -- has the words that it was given")
    func words() throws {
        let file = scratch.path + "/words"
        let script = "printf '[%s]' \"$@\" >>\"$0\""
        let run = try bench(["-n", "1", "--warmup", "0", "--", "sh", "-c", script, file, "a b", "$HOME", "", "--json"])
        #expect(run.code == 0 && run.errors.isEmpty)
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "[a b][$HOME][][--json]")
    }

    @Test("no shell runs a line unless it is asked for, and --shell has all by one")
    func shell() throws {
        let file = scratch.path + "/shell"
        let run = try bench([
            "-n", "2", "--warmup", "0", "--shell", "--prepare", "echo p >>'\(file)'", "echo c >>'\(file)'",
        ])
        #expect(run.code == 0)
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "p\nc\np\nc\n")
        let refused = try bench(["echo c >>'\(file)'"])
        #expect(refused.code == 64)
        #expect(refused.errors == "forkpool: \"echo c >>'\(file)'\": the > needs a shell: pass --shell, or quote it\n")
    }

    @Test("--setup, --prepare and --cleanup run once, before each run, and once, with the values of lists")
    func around() throws {
        let file = scratch.path + "/around"
        func note(_ text: String) -> String { "echo \(text) >>'\(file)'" }
        let run = try bench([
            "--shell", "-n", "1", "--warmup", "1", "-L", "x=1,2", "--setup", note("s{x}"), "--prepare", note("p{x}"),
            "--cleanup", note("c{x}"), note("r{x}"),
        ])
        #expect(run.code == 0 && run.errors.isEmpty)
        let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").map(String.init)
        #expect(lines.first == "s1" && lines[1] == "s2" && lines.suffix(2) == ["c1", "c2"])
        let middle = Array(lines[2..<lines.count - 2])
        #expect(middle.count == 8)
        for pair in stride(from: 0, to: 8, by: 2) { #expect(middle[pair].dropFirst() == middle[pair + 1].dropFirst()) }
        #expect(middle.filter { $0 == "r1" }.count == 2 && middle.filter { $0 == "p2" }.count == 2)
    }

    @Test("lists make every combination, which the document tells")
    func lists() throws {
        let results = try results(["-n", "1", "-L", "a=1,2", "--list", "b=x,y", "echo {a} {b}"])
        #expect(results.map { $0["command"] as? String } == ["echo 1 x", "echo 1 y", "echo 2 x", "echo 2 y"])
        #expect(results[1]["parameters"] as? [String: String] == ["a": "1", "b": "y"])
    }

    @Test("--show-output lets commands write, and otherwise they do not")
    func output() throws {
        let shown = try bench([
            "-n", "1", "--warmup", "0", "--show-output", "--", "sh", "-c", "echo out; echo err >&2",
        ])
        #expect(shown.code == 0)
        #expect(shown.output.hasPrefix("out\nA  sh -c ") && shown.errors == "err\n")
        let silent = try bench(["-n", "1", "--md", "-", "--", "sh", "-c", "echo out; echo err >&2"])
        #expect(silent.output.hasPrefix("| |") && silent.errors.isEmpty)
    }

    @Test("a command reads nothing")
    func input() throws {
        #expect(try results(["-n", "1", "cat"]).count == 1)
    }

    @Test("tables and charts go to their files, and the report to standard output all the same")
    func files() throws {
        let names = ["json", "csv", "md", "svg"]
        // What was there before, longer than what comes, is gone.
        for name in names { try scratch.write(String(repeating: "x", count: 100_000), to: name) }
        let run = try bench(
            ["-n", "6"] + names.flatMap { ["--\($0)", "\(scratch.path)/\($0)"] } + ["true", "sh -c 'exit'"])
        #expect(run.code == 0 && run.output.hasPrefix("A  true\n"))
        let texts = try names.map { try String(contentsOfFile: "\(scratch.path)/\($0)", encoding: .utf8) }
        #expect(texts[0].hasPrefix("{\n  \"results\": ["))
        let lines = texts[1].split(separator: "\n")
        #expect(lines.count == 3)
        #expect(lines[0].hasPrefix("command,mean,stddev,median,user,system,min,max,name,runs,"))
        #expect(lines[1].hasPrefix("true,") && lines[2].hasPrefix("sh -c 'exit',"))
        #expect(texts[2].contains("| A | `true` | ") && texts[2].contains("| B / A | wall time | "))
        #expect(texts[3].hasPrefix("<svg ") && texts[3].hasSuffix("</svg>\n"))
        #expect(!texts.joined().contains("xxx"))
    }

    // MARK: - Failing

    @Test("a command that fails ends it with its last words, unless that is ignored")
    func failure() throws {
        let run = try bench(["true", "sh -c 'echo one >&2; echo two >&2; exit 3'"])
        #expect(run.code == 4 && run.output.isEmpty)
        #expect(
            run.errors == """
                forkpool: B (sh -c 'echo one >&2; echo two >&2; exit 3') exited with 3
                  stderr: one
                  stderr: two

                """)
        let ignored = try results(["--ignore-failure", "-n", "2", "sh -c 'exit 3'", "sh -c 'kill -9 0'"])
        #expect(ignored.map { $0["exit_codes"] as? [Int] } == [[3, 3], [137, 137]])
    }

    @Test("what runs around commands must not fail, and is cleaned up")
    func failureAround() throws {
        for (option, name) in [
            ("--setup", "--setup of A"), ("--prepare", "--prepare of A"), ("--cleanup", "--cleanup of A"),
        ] {
            let run = try bench(["-n", "1", "--ignore-failure", option, "false", "true"])
            #expect(run.code == 4 && run.output.isEmpty)
            #expect(run.errors == "forkpool: \(name) (false) exited with 1\n")
        }
        let file = scratch.path + "/cleaned"
        let run = try bench(["-n", "1", "--cleanup", "touch '\(file)'", "false"])
        #expect(run.code == 4 && FileManager.default.fileExists(atPath: file))
    }

    @Test("a signal and a timeout are told as such")
    func ends() throws {
        let killed = try bench(["sh -c 'kill -9 $$'"])
        #expect(killed.code == 4 && killed.errors == "forkpool: A (sh -c 'kill -9 $$') was ended by signal 9\n")
        let late = try bench(["--timeout", "50ms", "sleep 600"])
        #expect(late.code == 4)
        #expect(late.errors.hasPrefix("forkpool: A (sleep 600) took longer than "))
        #expect(late.errors.hasSuffix(" and was killed\n"))
    }

    @Test("what a command leaves running is killed, in its group or out of it", arguments: ["", "setsid "])
    func leftBehind(_ outOfGroup: String) throws {
        let pipe = scratch.path + "/pipe"
        #expect(unsafe mkfifo(pipe, 0o600) == 0)
        let reading = unsafe open(pipe, O_RDONLY | O_NONBLOCK)
        defer { close(reading) }
        let run = try bench(["-n", "3", "--", "sh", "-c", "exec 3>\"$0\"; \(outOfGroup)sleep 600 & exit 0", pipe])
        #expect(run.code == 0)
        // Nobody has the pipe open to write to it any more: its end is read, and not that there is nothing yet.
        var entry = pollfd(fd: reading, events: Int16(POLLIN), revents: 0)
        #expect(unsafe poll(&entry, 1, 60_000) == 1)
        var byte: UInt8 = 0
        #expect(unsafe read(reading, &byte, 1) == 0)
    }

    @Test("programs that are not there or cannot be started are found before anything runs")
    func programs() throws {
        let file = scratch.path + "/ran"
        let plain = try scratch.write("echo no\n", to: "plain")
        for (line, code, sentence) in [
            (
                "forkpool-no-such-program", Int32(127),
                "forkpool-no-such-program: no such program"
            ),
            ("/nosuch/program", 127, "/nosuch/program: no such program"),
            ("'' x", 127, "a command without a name cannot be run"),
            (scratch.path, 126, "\(scratch.path): cannot be run: Permission denied"),
            (plain, 126, "\(plain): cannot be run: Permission denied"),
        ] {
            let run = try bench(["touch '\(file)'", line])
            #expect(run.code == code && run.errors == "forkpool: \(sentence)\n" && run.output.isEmpty)
        }
        #expect(!FileManager.default.fileExists(atPath: file))
    }

    @Test("a script without its first line is no program")
    func script() throws {
        let script = try scratch.write("echo yes\n", to: "script")
        unsafe chmod(script, 0o700)
        let run = try bench([script])
        #expect(run.code == 126)
        #expect(
            run.errors
                == "forkpool: \(script): no program that the system can start; a script needs a first line such as #!/bin/sh\n"
        )
        #expect(try bench(["-n", "1", "--shell", "sh '\(script)'"]).code == 0)
    }

    @Test(
        "wrong arguments are said in one line each, with 64",
        arguments: [
            ([], "there is no command to run."), (["-n", "0", "true"], "--runs must be from 1 to 1000000, not 0."),
            (["-n", "x", "true"], "The value 'x' is invalid for '-n <count>'"),
            (["-n", "1", "--max-time", "1s", "true"], "give either --runs or --max-time."),
            (["--max-time", "1x", "true"], "a duration reads 500ms, 1.5s, 2m or 1h"),
            (["--timeout", "0", "true"], "--timeout must be more than 0."),
            (["--warmup", "-1", "true"], "--warmup"), (["-L", "x", "true"], "a list reads NAME=VALUE,VALUE."),
            (["-L", "x=1", "true"], "{x} is in no command."),
            (["-L", "x=1", "-L", "x=2", "echo {x}"], "there are two lists of the name x."),
            (
                ["--json", "-", "--svg", "-", "true"],
                "only one of --json, --csv, --md and --svg can have standard output."
            ),
            (["--seed", "-1", "true"], "--seed"),
            (["--json", "x", "--csv", "x", "true"], "x cannot have two of --json, --csv, --md and --svg."),
            (["--show-output", "--json", "-", "true"], "with --show-output the commands have standard output"),
            (["--nosuch", "true"], "Unknown option '--nosuch'"),
        ])
    func usage(_ arguments: [String], _ sentence: String) throws {
        let run = try bench(arguments)
        #expect(run.code == 64 && run.output.isEmpty)
        #expect(run.errors.split(separator: "\n").first?.contains(sentence) == true, "\(run.errors)")
    }

    @Test("bytes that are no UTF-8 are refused with where they are; a character that stands for such is none")
    func bytes() throws {
        let script = "exec \"$0\" \"$@\" \"$(printf 'echo \\377')\""
        let run = try CommandRun(["bench", "-n", "1", "--prepare"], through: ["/bin/sh", "-c", script + " true"])
        #expect(run.code == 64 && run.output.isEmpty)
        #expect(run.errors.contains("argument 5, echo \u{FFFD}, holds bytes that are no UTF-8"), "\(run.errors)")
        #expect(try bench(["-n", "1", "echo \u{FFFD}"]).code == 0)
    }

    @Test("a command with backticks is one piece of code in Markdown")
    func backticks() throws {
        let run = try bench(["-n", "1", "--md", "-", "--", "true", "a``b`c"])
        #expect(run.output.contains("| ``` true 'a``b`c' ``` |"), "\(run.output)")
    }

    @Test("a timeout is told as it was given")
    func timeout() throws {
        let run = try bench(["-n", "1", "--timeout", "0.05", "sleep 60"])
        #expect(run.code == 4 && run.errors == "forkpool: A (sleep 60) took longer than 50.0 ms and was killed\n")
    }

    @Test("results that cannot be written are an error of their own, before anything runs where that is known")
    func unwritable() throws {
        let file = scratch.path + "/ran"
        for option in ["--json", "--csv", "--md", "--svg"] {
            let run = try bench(["-n", "1", option, "/nosuch/file", "touch '\(file)'"])
            #expect(run.code == 74 && run.output.isEmpty)
            #expect(run.errors == "forkpool: /nosuch/file: cannot be written: No such file or directory\n")
            let full = try bench(["-n", "1", option, "/dev/full", "true"])
            #expect(
                full.code == 74 && full.errors == "forkpool: /dev/full: cannot be written: No space left on device\n")
        }
        #expect(!FileManager.default.fileExists(atPath: file))
        // A file that nothing came of is not left, and one that was there stays as it was.
        let new = scratch.path + "/new"
        let old = try scratch.write("old", to: "old")
        #expect(try bench(["--json", new, "--csv", old, "false"]).code == 4)
        #expect(!FileManager.default.fileExists(atPath: new))
        #expect(try String(contentsOfFile: old, encoding: .utf8) == "old")
        let script = "exec \"$0\" \"$@\" >/dev/full"
        let full = try CommandRun(["bench", "-n", "1", "true"], through: ["/bin/sh", "-c", script])
        #expect(full.code == 74)
        #expect(full.errors == "forkpool: cannot write to standard output: No space left on device\n")
        #expect(try bench(["-n", "1", "true"], to: .closedPipe).signal == SIGPIPE)
    }

    @Test("on a terminal it shows what it measures, in one line that is gone in the end")
    func terminal() throws {
        let script = "exec \"$0\" \"$@\" 2>&1"
        let run = try CommandRun(
            ["bench", "-n", "40", "sleep 0.01"], through: ["/bin/sh", "-c", script], to: .terminal)
        #expect(run.code == 0)
        #expect(run.output.contains("\rmeasuring 1 command: "))
        let end = try #require(run.output.components(separatedBy: "\r\u{1B}[K").last)
        #expect(end.hasPrefix("\u{1B}[1mA\u{1B}[0m  "))
        let plain = try CommandRun(
            ["bench", "-n", "40", "sleep 0.01"], through: ["/bin/sh", "-c", script], to: .terminal,
            environment: ["TERM=xterm", "NO_COLOR=1", "PATH=/usr/bin:/bin"])
        #expect(plain.output.hasPrefix("A  sleep") && !plain.output.contains("\u{1B}"))
    }
}
