// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Glibc
import Testing

@testable import ForkPoolCLI

@Suite("forkpool run: what other tools read differently")
struct RunMeaningTests {
    @Test(
        "refuses in one line what would mean something else, and says what to type",
        arguments: [
            (["--sh", "echo {}", ":::", "a"], "in a script of --sh the item is \"$1\", not {}."),
            (["grep", "-E", "a{2}", ":::", "f"], "there is only 1 list; \\{2} is the text itself."),
            (["grep", "-E", "[ab]{1}", ":::", "f"], "{1} in [ab]{1} stands for the item; \\{1} is the text itself"),
            (["-n2", "echo", "{3}", ":::", "f"], "{3} stands for item 3 of a job, but a job has only 2"),
            (["echo", "{1}", ":::", "a", "b", ":::+", "c"], "must have the same length"),
            (["echo", ":::+", "c"], "links a list to the one before it, which is missing"),
            (["-a", "x", "-n2", "-a", "y", "echo"], "-n and -X need one list"),
            (["-X", "--shard", "0/2", "echo", ":::", "a"], "give -n N with --shard"),
            (["-X", "-n2", "echo", ":::", "a"], "give either -n or -X"),
            (["--pipe", "cat", ":::", "a"], "there are no items then"),
            (["--pipe", "cat", "{}"], "--pipe has no item"),
            (["--block", "1k", "cat"], "--block is for --pipe"), (["--lines", "cat"], "the items are the commands"),
            (["--colsep", ",", "cat", ":::", "a"], "for the lines of standard input"),
            (["--retry-delay", "1s", "cat", ":::", "a"], "--retry-delay is for --retries"),
            (["--timeout", "50%", "cat", ":::", "a"], "must be more than 100%"),
            (["--nice", "99", "cat", ":::", "a"], "--nice must be from -20 to 19"),
            (["--log", "-", "cat", ":::", "a"], "--log needs a file of its own"),
            (["--resume", "-", "cat", ":::", "a"], "--resume needs a file of its own"),
            (["--results", "-", "cat", ":::", "a"], "--results needs a file of its own"),
            (["--order", "live", "--tag", "cat", ":::", "a"], "need another order, such as lines"),
            (["-P", "4", "cat", ":::", "a"], "-P is not an option of forkpool run; use -j N."),
            (["-k", "cat", ":::", "a"], "-k is not an option of forkpool run: outputs are in input order"),
            (["--joblog", "x", "cat", ":::", "a"], "use --log FILE."),
            (["--halt=now,fail=1", "cat"], "use --fail-fast"),
            (["--lb", "cat", ":::", "a"], "use --order lines."), (["-N2", "cat", ":::", "a"], "use -n N."),
            (["-m", "cat", ":::", "a"], "use -X."), (["-d", ",", "cat"], "and -0, divide"),
            (["--link", "cat", ":::", "a"], "use :::+"), (["-S", "host", "cat"], "jobs run on this machine;"),
        ] as [([String], String)])
    func refused(_ arguments: [String], _ sentence: String) throws {
        let run = try CommandRun(["run"] + arguments)
        #expect(run.code == 64 && run.output.isEmpty && run.errors.contains(sentence), "\(run.errors)")
    }

    @Test("names what is wrong with a whole command in one word")
    func oneWord() throws {
        let run = try CommandRun(["run", "echo hi", ":::", "a"])
        #expect(run.code == 127)
        #expect(run.errors == "forkpool: echo hi: no such program; a command is several words, or a script for --sh\n")
        let item = try CommandRun(["run", "echo {}", ":::", "a"])
        #expect(item.errors.hasSuffix("no such program: echo a; a command is several words, or a script for --sh\n"))
    }

    @Test("leaves braces alone that mean themselves")
    func braces() throws {
        #expect(
            try CommandRun(["run", "--sh", "find . -maxdepth 0 -exec echo {} $1 \\;", ":::", "a"]).output == ". a\n")
        #expect(
            try CommandRun(["run", "echo", "a\\{1\\}", "x{1,2}", "{}", ":::", "a"]).output == "a\\{1\\} x{1,2} a\n")
    }

    @Test("--resume refuses the log of another command, and takes one whose slots differ")
    func resume() throws {
        let folder = try ScratchFolder()
        let log = folder.path + "/log"
        #expect(try CommandRun(["run", "--log", log, "echo", "one", "{}", ":::", "a", "b"]).code == 0)
        let other = try CommandRun(["run", "--resume", log, "echo", "two", "{}", ":::", "a", "b"])
        #expect(other.code == 64 && other.output.isEmpty)
        #expect(other.errors.contains("of a run with another command: its job 1 was not echo two a"), "\(other.errors)")
        #expect(try CommandRun(["run", "--resume", log, "echo", "one", "{}", ":::", "a", "b"]).code == 0)
        let slots = ["-j2", "echo", "{%}", "{}", ":::"] + (1...9).map(String.init)
        #expect(try CommandRun(["run", "--log", log] + slots).code == 0)
        let again = try CommandRun(["run", "--resume", log] + slots)
        #expect(again.code == 0 && again.output.isEmpty, "\(again.errors)")
    }

    @Test("shows sizes in the units that they were given in")
    func sizes() {
        #expect(exactByteSize(1 << 30) == "1 GiB" && exactByteSize(1536 << 10) == "1536 KiB")
        #expect(
            exactByteSize(10_000) == "10.0 kB" && exactByteSize(1_000_000) == "1.0 MB" && exactByteSize(5) == "5 bytes")
        #expect(exactByteSize(1024) == "1 KiB" && exactByteSize(1 << 40) == "1 TiB" && exactByteSize(2_500) == "2.5 kB")
    }

    @Test("the help of an unknown verb is an error")
    func help() throws {
        let run = try CommandRun(["help", "rn"])
        #expect(run.code == 64 && run.output.isEmpty)
        #expect(run.errors.hasPrefix("forkpool: there is no verb rn; the verbs are tour, run,"))
        #expect(try CommandRun(["help", "run"]).code == 0 && CommandRun(["help"]).code == 0)
    }
}
#endif
