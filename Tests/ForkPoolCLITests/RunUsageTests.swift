// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPoolTestSupport
import Foundation
import Glibc
import Testing

@Suite("forkpool run, as it is typed")
struct RunUsageTests {
    @Test(
        "short options may be in one word",
        arguments: [
            ["-0n1"], ["-0n", "1"], ["-0j2", "-n1"], ["-0j", "2", "-n", "1"], ["-n1", "-0"], ["-0n1", "-j2", "--tag"],
            ["--jobs", "1", "-0n1"],
        ])
    func bundled(_ options: [String]) throws {
        let script = "printf 'a\\0b c\\0' | \"$0\" run \"$@\" echo -0n1"
        let run = try CommandRun(options, through: ["/bin/sh", "-c", script])
        let tag = options.contains("--tag")
        #expect(run.output == (tag ? "a\t-0n1 a\nb c\t-0n1 b c\n" : "-0n1 a\n-0n1 b c\n"), "\(run.errors)")
    }

    @Test("-0X is two options")
    func fill() throws {
        let run = try CommandRun(["-0Xj1"], through: ["/bin/sh", "-c", "printf 'a\\0b c\\0' | \"$0\" run \"$@\" echo"])
        #expect(run.output == "a b c\n" && run.code == 0, "\(run.errors)")
    }

    @Test(
        "says what to type",
        arguments: [
            (["echo", ":::a"], "::: is a word of its own: ::: a."),
            (["echo", ":::", "a", ":::b"], "::: is a word of its own: ::: b."),
            (["echo", "::::items"], ":::: is a word of its own: :::: items."),
            (["echo", ":::", "a", ":::+b"], ":::+ is a word of its own: :::+ b."),
            (["echo", "::::", "/dev/null", "::::+items"], "::::+ is a word of its own: ::::+ items."),
            (["--fail-fast", "now,0", "echo", ":::", "a"], "--fail-fast is now or soon, and then a count from 1"),
            (["--fail-fast", "now,101%", "echo", ":::", "a"], "a share up to 100%: soon,3 or now,10%"),
            (["--fail-fast", "soon,", "echo", ":::", "a"], "--fail-fast is now or soon"),
            (["--fail-fast", "0", "echo", ":::", "a"], "--fail-fast is now or soon"),
            (["--fail-fast=now,fail=1", "echo", ":::", "a"], "--fail-fast is now or soon"),
            (["-kj4", "echo", ":::", "a"], "-k is not an option of forkpool run: outputs are in input order"),
            (["-0kn1", "echo", ":::", "a"], "-k is not an option of forkpool run"),
            (["--memfree", "9000TB", "echo", ":::", "a"], "--memfree 9000.0 TB could never be reached"),
            (["--header", ":", "echo", "{x}"], "--header has no value"),
            (["--colsep", "\\t", "echo", "{1}"], "--colsep is text, not a regular expression"),
        ] as [([String], String)])
    func refused(_ arguments: [String], _ sentence: String) throws {
        let run = try CommandRun(["run"] + arguments)
        #expect(run.code == 64 && run.output.isEmpty && run.errors.contains(sentence), "\(run.errors)")
    }

    @Test("a word that begins with ::: is a word of the command if a list follows")
    func colons() throws {
        #expect(try CommandRun(["run", "echo", ":::x", ":::", "a"]).output == ":::x a\n")
        let run = try CommandRun([], through: ["/bin/sh", "-c", "echo :::x | \"$0\" run echo"])
        #expect(run.output == ":::x\n")
    }

    @Test("--fail-fast takes its value from the next word only if it is one")
    func failFast() throws {
        let words = [[], ["now"], ["soon,2"], ["now,10%"], ["2"]]
        for value in words {
            let run = try CommandRun(["run", "-j1", "--fail-fast"] + value + ["false", ":::", "1", "2", "3", "4"])
            #expect(run.code == 123 && run.errors.contains("never began"), "\(value): \(run.errors)")
        }
    }

    @Test("says after a while what it waits for")
    func waits() async throws {
        // A process that never sleeps, so that there is no moment at which a job may start.
        let file = unsafe open("/dev/null", O_RDWR | O_CLOEXEC)
        defer { close(file) }
        let busy = try Spawned(["/bin/sh", "-c", "while :; do :; done"], environment: [], output: file, errors: file)
        defer {
            kill(-busy.pid, SIGKILL)
            waitpid(busy.pid, nil, 0)
        }
        let run = try RunningCommand(
            ["-c", "exec \"$0\" run --load 0.5 \"$@\" 2>&1", "echo", ":::", "a"], through: "/bin/sh")
        let line = try run.read { $0.hasSuffix("\n") }
        #expect(line.hasPrefix("forkpool: no job starts: ") && line.contains(" on this machine (--load 0.50)"))
        kill(run.pid, SIGTERM)
        #expect(try run.end().output.hasPrefix("forkpool: interrupted by SIGTERM: 0 done, 0 ended"))
    }

    @Test(
        "help and versions that cannot be written are a failure",
        arguments: [
            ["--help"], ["-h"], ["help"], ["help", "run"], ["run", "--help"], ["run", "-h"], ["run", "--version"],
            ["--version"], ["bench", "--version"], ["help", "--help"], ["--generate-completion-script", "bash"], [],
        ])
    func full(_ arguments: [String]) throws {
        let run = try CommandRun(arguments, through: ["/bin/sh", "-c", "\"$0\" \"$@\" >/dev/full"])
        #expect(run.code == 74 && run.errors == "forkpool: cannot write to standard output: No space left on device\n")
        // The reason is the full device.
        let whole = try CommandRun(arguments)
        #expect(whole.code == 0 && !whole.output.isEmpty && whole.errors.isEmpty)
    }
}
#endif
