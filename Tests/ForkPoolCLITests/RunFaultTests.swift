// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Glibc
import Testing

@Suite("forkpool run, with errors and limits")
struct RunFaultTests {
    @Test(
        "has an exit code for each way to fail, and names the job",
        arguments: [
            (["--sh", "exit $1", ":::", "0", "3"], 123, "job 2 (3): exit status 3"),
            (["--timeout", "50ms", "sleep", ":::", "100"], 124, "job 1 (100): timed out after 0.050 s"),
            (
                ["--timeout", "50ms", "--sh", "trap '' TERM; while :; do sleep 9; done", ":::", "x"], 124,
                "job 1 (x): timed out after 0.050 s"
            ),
            (["--sh", "kill -KILL $$", ":::", "x"], 125, "job 1 (x): killed by SIGKILL"),
            (["/etc/passwd", ":::", "x"], 126, "/etc/passwd: cannot be run: Permission denied"),
            (["no-such-program", ":::", "x"], 127, "no-such-program: no such program"),
            (["{}", ":::", "no-such-program"], 127, "job 1 (no-such-program): no such program: no-such-program"),
            (
                ["--max-output", "10k", "--sh", "head -c 10001 /dev/zero", ":::", "x"], 123,
                "job 1 (x): wrote more than 10.0 kB, see --max-output"
            ),
            (
                ["--max-output", "1M", "--sh", "yes | head -c 3000000; exec sleep 1000", ":::", "x"], 123,
                "job 1 (x): wrote more than 1.0 MB, see --max-output"
            ),
        ] as [([String], Int32, String)])
    func codes(_ arguments: [String], _ code: Int32, _ sentence: String) throws {
        let run = try CommandRun(["run"] + arguments)
        #expect(run.code == code)
        #expect(run.errors == "forkpool: \(sentence)\n")
    }

    @Test(
        "reports wrong arguments, and starts no job",
        arguments: [
            ([], "no command"), (["-j", "much", "true"], "much"), (["--retries", "-1", "true"], "retries"),
            (["--timeout", "soon", "true"], "a duration has the form"),
            (["--max-output", "much", "true"], "a size has the form"),
            (["--order", "live", "--tag", "true"], "--order live captures nothing"),
            (["--order", "random", "true"], "random"), (["echo", "{2}", ":::", "a"], "{2} stands for"),
            (["--sh", "true", "echo"], "--sh is the command"), (["--fail-fast=never", "true"], "never"),
            (["-a", "/dev/null", "echo", ":::", "a"], "not from both"), (["--nonsense", "true"], "--nonsense"),
        ] as [([String], String)])
    func usage(_ arguments: [String], _ sentence: String) throws {
        let run = try CommandRun(["run"] + arguments)
        #expect(run.code == 64 && run.output.isEmpty && run.errors.contains(sentence), "\(run.errors)")
    }

    @Test(
        "reports in one line what cannot be read or written",
        arguments: [
            (["-a", "/no/such/file", "echo"], 66, "/no/such/file: cannot be read: No such file or directory"),
            (["-a", "/tmp", "echo"], 66, "/tmp: cannot be read: Is a directory; nothing is left running"),
            (["-a", "", "echo"], 66, "\"\": cannot be read: No such file or directory"),
            (
                ["--log", "/no/log", "echo", ":::", "a"], 74,
                "cannot write /no/log: No such file or directory; nothing is left running"
            ),
            (
                ["--log", "/dev/full", "echo", ":::", "a"], 74,
                "cannot write /dev/full: No space left on device; nothing is left running"
            ),
            (
                ["--results", "/no/folder", "echo", ":::", "a"], 74,
                "cannot write /no/folder: No such file or directory; nothing is left running"
            ),
        ] as [([String], Int32, String)])
    func files(_ arguments: [String], _ code: Int32, _ sentence: String) throws {
        let run = try CommandRun(["run"] + arguments)
        #expect(run.code == code && run.errors == "forkpool: \(sentence)\n", "\(run.errors)")
    }

    @Test("refuses a log that is the file of the items, and prints its version")
    func itemsAsLog() throws {
        let scratch = try ScratchFolder()
        let items = try scratch.write("a\nb\n", to: "items")
        for script in ["exec \"$0\" \"$@\" -a \"$ITEMS\" -- echo", "exec \"$0\" \"$@\" -- echo <\"$ITEMS\""] {
            let run = try CommandRun(
                ["run", "--log", items], through: ["/bin/sh", "-c", script],
                environment: ["PATH=/usr/bin:/bin", "ITEMS=\(items)"])
            #expect(run.code == 64 && run.output.isEmpty)
            #expect(run.errors.contains("the log \(items) is the file that the items come from."))
            #expect(run.errors.contains("Usage: forkpool run "))
            #expect(try String(contentsOfFile: items, encoding: .utf8) == "a\nb\n")
        }
        let version = try CommandRun(["run", "--version"])
        #expect(version.code == 0 && version.output == "0.1.0\n")
        #expect(try CommandRun(["run", "-j2", "--version", "--", "echo"]).output == "0.1.0\n")
    }

    @Test("names a missing interpreter, and refuses a zero byte also with --dry-run")
    func refusals() throws {
        let scratch = try ScratchFolder()
        let program = try scratch.write("#!/no/interpreter\n", to: "program")
        unsafe chmod(program, 0o755)
        let run = try CommandRun(["run", program, ":::", "a"])
        #expect(run.code == 126)
        #expect(run.errors.contains("job 1 (a): cannot be run: the interpreter that \(program) names does not exist"))
        let script = "printf 'a\\0b\\nc\\n' | exec \"$0\" \"$@\""
        let dry = try CommandRun(["run", "--dry-run", "--", "echo"], through: ["/bin/sh", "-c", script])
        #expect(dry.code == 126 && dry.output == "echo c\n")
        #expect(dry.errors.hasPrefix("forkpool: job 1: its item contains a zero byte"))
    }

    @Test("keeps the files of a job whose retry is cancelled, and cuts files at --max-output")
    func keptFiles() throws {
        let scratch = try ScratchFolder()
        // While the reader does not read the output of job 1, job 2 fails and would be retried, and job 3 fails for the
        // last time. The runner sees both ends at once, after that.
        let job = """
            case $1 in
            1) while [ ! -e again ]; do sleep 0.01; done; head -c 300000 /dev/zero; exit 0;;
            3) [ -e first ] || { touch first; exit 6; }; touch again;;
            esac
            while [ ! -e blocked ]; do sleep 0.01; done
            echo $$ >pid$1
            exit $1
            """
        let reader = """
            head -c 1 >/dev/null; touch blocked
            for pid in pid2 pid3; do
                until [ -s $pid ] && grep -q 'State:.Z' /proc/$(cat $pid)/status; do sleep 0.01; done
            done
            cat >/dev/null
            """
        let run = try CommandRun(
            ["run", "-j3", "--retries", "1", "--fail-fast", "--results", "r", "--sh", job, ":::", "1", "2", "3"],
            through: ["/bin/sh", "-c", "cd \(scratch.path); { \"$0\" \"$@\"; echo $? >code; } | { \(reader); }"])
        #expect(run.code == 0 && run.errors.contains("job 2 (2): exit status 2"), "\(run.errors)")
        #expect(try String(contentsOfFile: scratch.path + "/code", encoding: .utf8) == "123\n")
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: scratch.path + "/r").sorted() == [
                ".forkpool-jobs", "1.err", "1.out", "2.err", "2.out", "3.err", "3.out",
            ])
        let large = try CommandRun([
            "run", "--max-output", "1k", "--results", scratch.path + "/l", "--sh", "yes | head -c 100000", ":::", "a",
        ])
        #expect(large.code == 123 && large.output.utf8.count == 1000)
        #expect(try Data(contentsOf: URL(fileURLWithPath: scratch.path + "/l/1.out")).count == 1000)
    }

    @Test("retries a failed job up to the limit, and prints only its last attempt")
    func retries() throws {
        let folder = try ScratchFolder()
        let script = "echo x >> $F/$1; n=$(wc -l < $F/$1); echo attempt $n; [ $n -ge $1 ]"
        let run = try CommandRun(
            ["run", "--retries", "2", "--log", folder.path + "/log", "--sh", script, ":::", "1", "3", "4"],
            environment: ["PATH=/usr/bin:/bin", "F=\(folder.path)"])
        #expect(run.output == "attempt 1\nattempt 3\nattempt 3\n" && run.code == 123)
        #expect(run.errors == "forkpool: job 3 (4): exit status 1 at attempt 3\n")
        let log = try String(contentsOfFile: folder.path + "/log", encoding: .utf8)
        #expect(log.contains("\"attempt\": 3"))
    }

    @Test("--fail-fast starts no more jobs after a failure, and with =now stops the running ones")
    func failFast() throws {
        // One slot: the third job could only start after the second one failed.
        let soon = try CommandRun(["run", "-j1", "--fail-fast", "--sh", "echo $1; exit $1", ":::", "0", "1", "0"])
        #expect(soon.output == "0\n1\n" && soon.code == 123)
        let now = try CommandRun(
            [
                "run", "-j2", "--fail-fast=now", "--sh", "echo $1; [ $1 = b ] || exec sleep 1000; exit 9", ":::", "a",
                "b", "c",
            ])
        // What a stopped job wrote is printed, and marked.
        #expect(now.output == "a\nb\n" && now.code == 123)
        #expect(
            now.errors == """
                forkpool: job 1 (a): unfinished: it was stopped because another job failed
                forkpool: job 2 (b): exit status 9
                forkpool: --fail-fast: 1 of 3 jobs from job 3 (c) on never began

                """)
    }

    @Test("refuses an item with a zero byte, names its number, and runs the others")
    func zeroByte() throws {
        let run = try CommandRun(
            ["run", "echo"], through: ["/bin/sh", "-c", "printf 'a\\nb\\0c\\nd\\n' | \"$0\" \"$@\""])
        #expect(run.output == "a\nd\n" && run.code == 126)
        #expect(run.errors.hasPrefix("forkpool: job 2 (") && run.errors.contains("contains a zero byte"))
    }

    @Test("refuses to resume a file that is no log, and to write the log into the output")
    func logs() throws {
        let folder = try ScratchFolder()
        let precious = try folder.write("precious", to: "precious")
        #expect(try CommandRun(["run", "--resume", precious, "echo", ":::", "a"]).code == 66)
        #expect(try String(contentsOfFile: precious, encoding: .utf8) == "precious")
        let same = try CommandRun(
            ["run", "--log", "/dev/stdout", "echo", ":::", "a"],
            through: ["/bin/sh", "-c", "\"$0\" \"$@\" >> \(precious)"])
        #expect(same.code == 64 && same.errors.contains("is the file that the output goes to"))
        let script =
            "cd \(folder.path) && \"$0\" run --log l echo ::: a b && \"$0\" run --resume ./l --log l echo ::: a b; wc -l < l"
        #expect(try CommandRun([], through: ["/bin/sh", "-c", script]).output == "a\nb\n2\n")
    }

    @Test("reports every job that started, also if its retry is cancelled")
    func failFastRetries() throws {
        let folder = try ScratchFolder()
        let run = try CommandRun(
            ["run", "-j8", "--retries", "1", "--fail-fast", "soon", "--sh", ": > $F/$1; exit 3", ":::"]
                + (1...8).map(String.init),
            environment: ["PATH=/usr/bin:/bin", "F=\(folder.path)"])
        let begun = try FileManager.default.contentsOfDirectory(atPath: folder.path).count
        #expect(run.code == 123 && run.errors.split(separator: "\n").count == begun)
    }

    @Test("kills the rest of the group of a job that timed out")
    func timedOutGroup() throws {
        let folder = try ScratchFolder()
        let script =
            "if [ $1 = a ]; then sh -c 'trap \"\" TERM; echo $$ > $F/pid; while :; do sleep 9; done' & wait; fi; while [ -n \"$(tr -d '\\0' < /proc/$(cat $F/pid)/cmdline)\" ]; do :; done; echo gone"
        let run = try CommandRun(
            ["run", "-j1", "--timeout", "3s", "--sh", script, ":::", "a", "b"],
            environment: ["PATH=/usr/bin:/bin", "F=\(folder.path)"])
        #expect(run.output == "gone\n" && run.code == 124)
        #expect(try !String(contentsOfFile: folder.path + "/pid", encoding: .utf8).isEmpty)
    }

    @Test("prints the message about a failed job after its output")
    func sentences() throws {
        let script = "exec \"$0\" \"$@\" 2>&1"
        let run = try CommandRun(
            ["run", "-j4", "--sh", "echo $1; [ $1 != 2 ] || exit 7", ":::", "1", "2", "3"],
            through: ["/bin/sh", "-c", script])
        #expect(run.output == "1\n2\nforkpool: job 2 (2): exit status 7\n3\n")
    }

    @Test("refuses more combinations than can be counted")
    func combinations() throws {
        let lists = (0..<11).flatMap { _ in [":::"] + (0..<64).map(String.init) }
        let run = try CommandRun(["run", "echo"] + lists)
        #expect(run.code == 64 && run.errors.contains("more combinations than can be counted"))
    }
}
#endif
