// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Glibc
import Testing

extension BenchTests {
    @Test("a command that fails ends it, with the end of its standard error; --ignore-failure goes on")
    func failure() throws {
        let run = try bench(["true", "sh -c 'echo one >&2; echo two >&2; exit 3'"])
        #expect(run.code == 4 && run.output.isEmpty)
        #expect(
            run.errors == """
                forkpool: warm-up run 1 of B (sh -c 'echo one >&2; echo two >&2; exit 3') exited with 3
                  stderr: one
                  stderr: two

                """)
    }

    @Test(
        "with --ignore-failure a run that failed counts for no figure, and the report says which it was and what it wrote"
    )
    func ignored() throws {
        // Every third run fails, and takes long.
        let count = try scratch.write("", to: "count")
        let script = try scratch.write(
            """
            echo x >>'\(count)'
            [ $(($(wc -l <'\(count)') % 3)) -ne 0 ] && exit 0
            echo "it broke in $(wc -l <'\(count)')" >&2
            sleep 0.3
            exit 7
            """, to: "flaky")
        let arguments = ["--ignore-failure", "--warmup", "0", "-n", "9", "sh '\(script)'"]
        let document = try document(arguments)
        let results = try #require(document["results"] as? [[String: Any]])
        let times = try #require(results[0]["times"] as? [Double])
        #expect(times.count == 6 && results[0]["exit_codes"] as? [Int] == Array(repeating: 0, count: 6))
        let ours = try #require((document["forkpool"] as? [String: Any])?["runs"] as? [[String: Any]])
        #expect(ours[0]["exit_code"] as? [Int] == [0, 0, 7, 0, 0, 7, 0, 0, 7] && ours[0]["failed"] as? Int == 3)
        let failure = try #require(ours[0]["last_failure"] as? [String: Any])
        #expect(failure["run"] as? Int == 9 && failure["stderr"] as? [String] == ["it broke in 9"])
        try scratch.write("", to: "count")
        let run = try bench(arguments)
        #expect(run.code == 0 && run.errors.isEmpty)
        // A machine that stalls adds that some are far above the others.
        #expect(run.output.contains("   6 runs"), "\(run.output)")
        #expect(
            run.output.contains(
                "\n   3 of 9 runs failed and count for no figure; the last, run 9, exited with 7\n     stderr: it broke in 9\n"
            ), "\(run.output)")
    }

    @Test("a command of which no run succeeds has no figure, and fails the benchmark after the others' results")
    func noneSucceeded() throws {
        let run = try bench(["--ignore-failure", "-n", "2", "true", "sh -c 'exit 3'", "sh -c 'kill -9 0'"])
        #expect(run.code == 4 && run.output.hasPrefix("A  true\n"))
        #expect(
            run.output.contains(
                """
                B  sh -c 'exit 3'
                   no run succeeded
                   2 of 2 runs failed and count for no figure; the last, run 2, exited with 3
                     it wrote nothing to standard error; --show-output shows what else it writes

                """), "\(run.output)")
        #expect(run.output.contains("; the last, run 2, was ended by signal 9\n"))
        #expect(
            run.errors == """
                forkpool: no run of B (sh -c 'exit 3') succeeded
                forkpool: no run of C (sh -c 'kill -9 0') succeeded

                """)
        for format in ["json", "csv", "md", "svg"] {
            let file = scratch.path + "/" + format
            #expect(try bench(["--ignore-failure", "-n", "2", "false", "true", "--" + format, file]).code == 4)
            #expect(try !String(contentsOfFile: file, encoding: .utf8).isEmpty)
        }
    }

    @Test("says which run failed")
    func whichRun() throws {
        let count = try scratch.write("", to: "count")
        let script = try scratch.write("echo x >>'\(count)'; [ $(wc -l <'\(count)') -ne 5 ]", to: "fifth")
        let run = try bench(["--warmup", "2", "-n", "9", "sh '\(script)'"])
        #expect(run.code == 4)
        #expect(
            run.errors == """
                forkpool: run 3 of A (sh '\(script)') exited with 1
                  it wrote nothing to standard error; --show-output shows what else it writes

                """)
    }

    private static let silent = "  it wrote nothing to standard error; --show-output shows what else it writes\n"

    @Test("--setup, --prepare and --cleanup must not fail, and --cleanup runs after a failure")
    func failureAround() throws {
        for (option, name) in [
            ("--setup", "--setup of A"), ("--prepare", "--prepare of A"), ("--cleanup", "--cleanup of A"),
        ] {
            let run = try bench(["-n", "1", "--ignore-failure", option, "false", "true"])
            #expect(run.code == 4 && run.output.isEmpty)
            #expect(run.errors == "forkpool: \(name) (false) exited with 1\n" + Self.silent)
        }
        let file = scratch.path + "/cleaned"
        let run = try bench(["-n", "1", "--cleanup", "touch '\(file)'", "false"])
        #expect(run.code == 4 && FileManager.default.fileExists(atPath: file))
    }

    @Test("reports a signal and a timeout as such")
    func ends() throws {
        let killed = try bench(["sh -c 'kill -9 $$'"])
        #expect(killed.code == 4)
        #expect(
            killed.errors == "forkpool: warm-up run 1 of A (sh -c 'kill -9 $$') was ended by signal 9\n" + Self.silent)
        let late = try bench(["--timeout", "50ms", "sleep 600"])
        #expect(late.code == 4)
        #expect(late.errors.hasPrefix("forkpool: warm-up run 1 of A (sleep 600) took longer than "))
        #expect(late.errors.hasSuffix(" and was killed\n" + Self.silent))
    }

    @Test("kills the processes that a command leaves running, in its group or outside", arguments: ["", "setsid "])
    func leftBehind(_ outOfGroup: String) throws {
        let pipe = scratch.path + "/pipe"
        #expect(unsafe mkfifo(pipe, 0o600) == 0)
        let reading = unsafe open(pipe, O_RDONLY | O_NONBLOCK)
        defer { close(reading) }
        let run = try bench(["-n", "3", "--", "sh", "-c", "exec 3>\"$0\"; \(outOfGroup)sleep 600 & exit 0", pipe])
        #expect(run.code == 0)
        // No process has the pipe open for writing, so the reader sees its end.
        var entry = pollfd(fd: reading, events: Int16(POLLIN), revents: 0)
        #expect(unsafe poll(&entry, 1, 60_000) == 1)
        var byte: UInt8 = 0
        #expect(unsafe read(reading, &byte, 1) == 0)
    }

    @Test("finds programs that do not exist or cannot be started before anything runs")
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

    @Test("a script without a #! line runs by sh, as with forkpool run")
    func script() throws {
        let script = try scratch.write("echo yes > \"$1\"\n", to: "script")
        unsafe chmod(script, 0o700)
        let run = try bench(["-n", "1", "\(script) \(scratch.path)/yes"])
        #expect(run.code == 0, "\(run.errors)")
        #expect(try String(contentsOfFile: scratch.path + "/yes", encoding: .utf8) == "yes\n")
    }

    @Test(
        "reports each wrong argument in one line, with 64",
        arguments: [
            ([], "there is no command to run."), (["-n", "0", "true"], "--runs must be from 1 to 1000000, not 0."),
            (["-n", "x", "true"], "-n is the number of runs here, and x is none"),
            (["-n", "1", "--max-time", "1s", "true"], "give either --runs or --max-time."),
            (["--max-time", "1x", "true"], "a duration has the form 500ms, 1.5s, 2m or 1h"),
            (["--timeout", "0", "true"], "--timeout must be more than 0."),
            (["--warmup", "-1", "true"], "--warmup"), (["-L", "x", "true"], "a list has the form NAME=VALUE,VALUE."),
            (["-L", "x=1", "true"], "{x} is in no command."),
            (["-L", "x=1", "-L", "x=2", "echo {x}"], "there are two lists with the name x."),
            (
                ["--json", "-", "--svg", "-", "true"],
                "only one of --json and --svg can go to standard output."
            ),
            (["--seed", "-1", "true"], "--seed"),
            (["--json", "x", "--csv", "x", "true"], "--json and --csv name the same file, x."),
            (["--show-output", "--json", "-", "true"], "with --show-output the commands write to standard output"),
            (["--nosuch", "true"], "Unknown option '--nosuch'"),
        ])
    func usage(_ arguments: [String], _ sentence: String) throws {
        let run = try bench(arguments)
        #expect(run.code == 64 && run.output.isEmpty)
        #expect(run.errors.split(separator: "\n").first?.contains(sentence) == true, "\(run.errors)")
    }

    @Test("refuses an argument that is not UTF-8, and names it; accepts U+FFFD itself")
    func bytes() throws {
        let script = "exec \"$0\" \"$@\" \"$(printf 'echo \\377')\""
        let run = try CommandRun(["bench", "-n", "1", "--prepare"], through: ["/bin/sh", "-c", script + " true"])
        #expect(run.code == 64 && run.output.isEmpty)
        #expect(run.errors.contains("argument 5, echo \u{FFFD}, is not UTF-8"), "\(run.errors)")
        #expect(try bench(["-n", "1", "echo \u{FFFD}"]).code == 0)
    }

    @Test("a command with backticks is one code span in Markdown")
    func backticks() throws {
        let run = try bench(["-n", "1", "--md", "-", "--", "true", "a``b`c"])
        #expect(run.output.contains("| ``` true 'a``b`c' ``` |"), "\(run.output)")
    }

    @Test("reports a timeout as it was given")
    func timeout() throws {
        let run = try bench(["-n", "1", "--timeout", "0.05", "sleep 60"])
        #expect(run.code == 4)
        #expect(
            run.errors
                == "forkpool: warm-up run 1 of A (sleep 60) took longer than 50.0 ms and was killed\n" + Self.silent)
    }

    @Test("results that cannot be written have their own exit code, before anything runs if possible")
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
        // Without results, a new file is removed and an old one keeps its content.
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

    @Test("on a terminal it shows a status line, and erases it at the end")
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
        // NO_COLOR takes the colours away, not the progress.
        #expect(plain.output.contains("\rmeasuring 1 command: "))
        #expect(try #require(plain.output.components(separatedBy: "\r\u{1B}[K").last).hasPrefix("A  sleep"))
        #expect(!plain.output.contains("\u{1B}[1m"))
    }
}
#endif
