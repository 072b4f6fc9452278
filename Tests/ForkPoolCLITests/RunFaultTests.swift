import Foundation
import Glibc
import Testing

@Suite("forkpool run, where something goes wrong")
struct RunFaultTests {
    @Test(
        "has an exit code for each way to fail, and says which job it was",
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
        "says what is wrong with its arguments, and begins nothing",
        arguments: [
            ([], "no command"), (["-j0", "true"], "--jobs must be"), (["--retries", "-1", "true"], "retries"),
            (["--timeout", "soon", "true"], "a duration reads"), (["--max-output", "much", "true"], "a size reads"),
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
        "says in one line what cannot be read or written",
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

    @Test("does not take the items for the log, whichever way they come, and says its version")
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

    @Test("names a program's missing interpreter, and refuses a zero byte also where nothing is run")
    func refusals() throws {
        let scratch = try ScratchFolder()
        let program = try scratch.write("#!/no/interpreter\n", to: "program")
        unsafe chmod(program, 0o755)
        let run = try CommandRun(["run", program, ":::", "a"])
        #expect(run.code == 126)
        #expect(run.errors.contains("job 1 (a): cannot be run: there is no such interpreter as \(program) names"))
        let script = "printf 'a\\0b\\nc\\n' | exec \"$0\" \"$@\""
        let dry = try CommandRun(["run", "--dry-run", "--", "echo"], through: ["/bin/sh", "-c", script])
        #expect(dry.code == 126 && dry.output == "echo c\n")
        #expect(dry.errors.hasPrefix("forkpool: job 1: its item holds a zero byte"))
    }

    @Test("keeps the files of a job that would have been begun again, and of each no more than it may write")
    func keptFiles() throws {
        let scratch = try ScratchFolder()
        // While the first job's output is not read, the second one fails and is to be begun again, and the third one fails
        // for good: both are seen to have ended at once, after that.
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
                "1.err", "1.out", "2.err", "2.out", "3.err", "3.out",
            ])
        let large = try CommandRun([
            "run", "--max-output", "1k", "--results", scratch.path + "/l", "--sh", "yes | head -c 100000", ":::", "a",
        ])
        #expect(large.code == 123 && large.output.utf8.count == 1000)
        #expect(try Data(contentsOf: URL(fileURLWithPath: scratch.path + "/l/1.out")).count == 1000)
    }

    @Test("lets eight finished jobs for each place wait for an earlier one, and begins no other before it ends")
    func window() throws {
        let scratch = try ScratchFolder()
        // The first one ends when it has seen all that may begin beside it; a later one would have begun by then.
        let job = "echo >>started; [ $1 != 1 ] || until [ $(wc -l <started) -ge 17 ]; do sleep 0.05; done"
        let run = try CommandRun(
            ["run", "-j2", "--log", "log", "--sh", job, ":::"] + (1...40).map(String.init),
            through: ["/bin/sh", "-c", "cd \(scratch.path); exec \"$0\" \"$@\""])
        #expect(run.code == 0, "\(run.errors)")
        let entries = try String(contentsOfFile: scratch.path + "/log", encoding: .utf8).split(separator: "\n").map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
        func time(_ number: Int, _ name: String) throws -> Double { try #require(entries[number - 1][name] as? Double) }
        #expect(entries.count == 40)
        #expect(try time(18, "start") > time(1, "start") + time(1, "wall") - 0.001)
    }

    @Test("finds a program in a folder whose name is no text")
    func path() throws {
        let scratch = try ScratchFolder()
        let script = """
            cd \(scratch.path); folder=$(printf 'd\\377'); mkdir "$folder"; ln -s /bin/echo "$folder/mine"
            PATH="$PATH:\(scratch.path)/$folder" exec "$0" run mine ::: found
            """
        let run = try CommandRun([], through: ["/bin/sh", "-c", script])
        #expect(run.code == 0 && run.output == "found\n", "\(run.errors)")
    }

    @Test("a job that asks at the terminal is refused, and not stopped for ever")
    func terminal() throws {
        let script = "script -qec \"'$0' run --sh 'read x </dev/tty || echo refused' ::: 1\" /dev/null </dev/null"
        let run = try CommandRun([], through: ["/bin/sh", "-c", script], deadline: 30)
        #expect(run.code == 0 && run.output.contains("refused"), "\(run.output)")
    }

    @Test("ends with one line on a full disk, and without any where nobody reads, and nobody runs on")
    func outputs() throws {
        let script = "\"$0\" \"$@\" > /dev/full"
        let job = "{ echo $1; exec sleep 1000; }"
        let full = try CommandRun(
            ["run", "-j2", "--sh", "echo $1", ":::", "a", "b"], through: ["/bin/sh", "-c", script])
        #expect(full.code == 74)
        #expect(
            full.errors
                == "forkpool: cannot write standard output: No space left on device; nothing is left running\n")
        // The sleepers have the other end of the pipe: cat ends when they have.
        let closed = try CommandRun(
            ["run", "-j2", "--order", "done", "--sh", "echo $1; [ $1 = a ] || \(job)", ":::", "a", "b"],
            through: ["/bin/sh", "-c", "{ \"$0\" \"$@\" 3>&1 1>&4 | cat; } 4> /dev/full; echo over"])
        #expect(closed.output == "over\n")
        let unread = try CommandRun(["run", "-j2", "echo", ":::", "a", "b"], to: .closedPipe)
        #expect(unread.signal == SIGPIPE && unread.errors.isEmpty)
    }

    @Test("begins a failed job again as often as it may, and prints its last attempt alone")
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

    @Test("begins nothing more after a failure if it is told to, and ends what runs if it is to be now")
    func failFast() throws {
        // The second job waits for the first one to have failed.
        let soon = try CommandRun(["run", "-j1", "--fail-fast", "--sh", "echo $1; exit $1", ":::", "0", "1", "0"])
        #expect(soon.output == "0\n1\n" && soon.code == 123)
        let now = try CommandRun(
            [
                "run", "-j2", "--fail-fast=now", "--sh", "echo $1; [ $1 = b ] || exec sleep 1000; exit 9", ":::", "a",
                "b", "c",
            ])
        #expect(now.output == "b\n" && now.code == 123)
        #expect(now.errors == "forkpool: job 2 (b): exit status 9\n")
    }

    @Test("refuses an item with a zero byte by its number, and does the others")
    func zeroByte() throws {
        let run = try CommandRun(
            ["run", "echo"], through: ["/bin/sh", "-c", "printf 'a\\nb\\0c\\nd\\n' | \"$0\" \"$@\""])
        #expect(run.output == "a\nd\n" && run.code == 126)
        #expect(run.errors.hasPrefix("forkpool: job 2 (") && run.errors.contains("holds a zero byte"))
    }

    @Test("gives each job its own output where an earlier one left somebody who writes on")
    func leftWriter() throws {
        // The writer is in a session of its own, and writes as long as it may.
        let script = "[ $1 != 1 ] || { setsid sh -c 'while :; do echo late; done' & }; echo job $1"
        let run = try CommandRun(["run", "-j1", "--sh", script, ":::"] + (1...40).map(String.init))
        let lines = run.output.split(separator: "\n").filter { $0 != "late" }
        #expect(lines == (1...40).map { "job \($0)" })
        // After its own job's output nothing of it is printed.
        #expect(!run.output.contains("job 2\nlate"))
        #expect(run.errors == "forkpool: 1 process that jobs left behind: ended\n" && run.code == 0)
    }

    /// A shell that has nothing open but the standard descriptors, and may have so many.
    private func few(_ count: Int) -> [String] {
        let closing = "for f in /proc/$$/fd/*; do f=${f##*/}; if [ $f -gt 2 ]; then eval \"exec $f>&-\"; fi; done"
        return ["/bin/bash", "-c", "\(closing); ulimit -n \(count); exec \"$0\" \"$@\""]
    }

    @Test("works with few descriptors, by beginning jobs later")
    func fewDescriptors() throws {
        let folder = try ScratchFolder()
        for more in [[], ["--results", folder.path]] {
            let run = try CommandRun(
                ["run", "-j64"] + more + ["--sh", "echo $1", ":::"] + (1...200).map(String.init), through: few(12))
            #expect(run.output == (1...200).map { "\($0)\n" }.joined() && run.code == 0, "\(run.errors)")
        }
        let none = try CommandRun(["run", "echo", ":::", "a"], through: few(6))
        #expect(none.code == 70 && none.errors.hasPrefix("forkpool: the system refused "), "\(none.errors)")
    }

    @Test("gives no job what another one did to its own output")
    func flags() throws {
        // Without O_APPEND a job would write where the one before it stopped.
        let perl = "use Fcntl; fcntl(STDOUT, F_SETFL, 0); print \"hello $ARGV[0]\\n\""
        let run = try CommandRun(["run", "-j1", "perl", "-e", perl, "{}", ":::"] + (1...70).map(String.init))
        #expect(run.output == (1...70).map { "hello \($0)\n" }.joined() && run.code == 0)
    }

    @Test("works with standard descriptors that are closed, and with signals that its parent ignores")
    func surroundings() throws {
        let folder = try ScratchFolder()
        let script = """
            cd \(folder.path); "$0" run --log l -- echo ::: a b >&- 2> e; echo $?; wc -l < l; cat e; \
            "$0" run -- echo <&- 2> e; echo $?; cat e; trap '' CHLD; exec "$0" run -- echo ::: c d
            """
        let run = try CommandRun([], through: ["/bin/bash", "-c", script])
        #expect(
            run.output == """
                74
                0
                forkpool: cannot write standard output: Bad file descriptor; nothing is left running
                66
                forkpool: standard input: cannot be read: Bad file descriptor; nothing is left running
                c
                d

                """)
    }

    @Test("calls no job late that ended while a slow reader was waited for")
    func slowReader() throws {
        let folder = try ScratchFolder()
        let script = "\"$0\" \"$@\" | (sleep 5; wc -c)"
        let run = try CommandRun(
            [
                "run", "--log", folder.path + "/l", "--timeout", "4", "-j2", "--sh", "head -c 300000 /dev/zero", ":::",
                "1", "2", "3", "4",
            ],
            through: ["/bin/sh", "-c", script])
        #expect(run.output == "1200000\n" && run.errors.isEmpty)
        #expect(!(try String(contentsOfFile: folder.path + "/l", encoding: .utf8)).contains("true"))
    }

    @Test("tells no file that is no log to be one, and writes no log into the output")
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

    @Test("tells of every job that was begun, also where it would have been begun again")
    func failFastRetries() throws {
        let folder = try ScratchFolder()
        let run = try CommandRun(
            ["run", "-j8", "--retries", "1", "--fail-fast", "soon", "--sh", ": > $F/$1; exit 3", ":::"]
                + (1...8).map(String.init),
            environment: ["PATH=/usr/bin:/bin", "F=\(folder.path)"])
        let begun = try FileManager.default.contentsOfDirectory(atPath: folder.path).count
        #expect(run.code == 123 && run.errors.split(separator: "\n").count == begun)
    }

    @Test("ends with a job that timed out what is left of its group")
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

    @Test("says what became of a job where its output would stand")
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
