// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Glibc
import Testing

@Suite("forkpool run, in difficult surroundings")
struct RunSurroundingsTests {
    @Test("finds a program in a folder whose name is not UTF-8")
    func path() throws {
        let scratch = try ScratchFolder()
        let script = """
            cd \(scratch.path); folder=$(printf 'd\\377'); mkdir "$folder"; ln -s /bin/echo "$folder/mine"
            PATH="$PATH:\(scratch.path)/$folder" exec "$0" run mine ::: found
            """
        let run = try CommandRun([], through: ["/bin/sh", "-c", script])
        #expect(run.code == 0 && run.output == "found\n", "\(run.errors)")
    }

    @Test("a job that reads from the terminal gets an error, and is not stopped for ever")
    func terminal() throws {
        let script = "script -qec \"'$0' run --sh 'read x </dev/tty || echo refused' ::: 1\" /dev/null </dev/null"
        let run = try CommandRun([], through: ["/bin/sh", "-c", script], deadline: 30)
        #expect(run.code == 0 && run.output.contains("refused"), "\(run.output)")
    }

    @Test("ends with one line on a full disk, silently without a reader, and leaves nothing running")
    func outputs() throws {
        let script = "\"$0\" \"$@\" > /dev/full"
        let job = "{ echo $1; exec sleep 1000; }"
        let full = try CommandRun(
            ["run", "-j2", "--sh", "echo $1", ":::", "a", "b"], through: ["/bin/sh", "-c", script])
        #expect(full.code == 74)
        #expect(
            full.errors
                == "forkpool: cannot write standard output: No space left on device; nothing is left running\n")
        // The sleeping jobs hold the pipe open: cat ends when they end.
        let closed = try CommandRun(
            ["run", "-j2", "--order", "done", "--sh", "echo $1; [ $1 = a ] || \(job)", ":::", "a", "b"],
            through: ["/bin/sh", "-c", "{ \"$0\" \"$@\" 3>&1 1>&4 | cat; } 4> /dev/full; echo over"])
        #expect(closed.output == "over\n")
        let unread = try CommandRun(["run", "-j2", "echo", ":::", "a", "b"], to: .closedPipe)
        #expect(unread.signal == SIGPIPE && unread.errors.isEmpty)
    }

    @Test("keeps outputs apart from a process of an earlier job that still writes")
    func leftWriter() throws {
        // The writer has its own session, and writes until it is killed.
        let script = "[ $1 != 1 ] || { setsid sh -c 'while :; do echo late; done' & }; echo job $1"
        let run = try CommandRun(["run", "-j1", "--sh", script, ":::"] + (1...40).map(String.init))
        let lines = run.output.split(separator: "\n").filter { $0 != "late" }
        #expect(lines == (1...40).map { "job \($0)" })
        // Its output is not printed after that of its own job.
        #expect(!run.output.contains("job 2\nlate"))
        #expect(run.errors == "forkpool: stopped 1 process that jobs left running\n" && run.code == 0)
    }

    /// A shell with only the standard descriptors open, and a limit on their number.
    private func few(_ count: Int) -> [String] {
        let closing = "for f in /proc/$$/fd/*; do f=${f##*/}; if [ $f -gt 2 ]; then eval \"exec $f>&-\"; fi; done"
        return ["/bin/bash", "-c", "\(closing); ulimit -n \(count); exec \"$0\" \"$@\""]
    }

    @Test("works with few descriptors, by starting jobs later")
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

    @Test("undoes changes of a job to its output before the next job")
    func flags() throws {
        // Without O_APPEND, a job would write at the position of the job before it.
        let perl = "use Fcntl; fcntl(STDOUT, F_SETFL, 0); print \"hello $ARGV[0]\\n\""
        let run = try CommandRun(["run", "-j1", "perl", "-e", perl, "{}", ":::"] + (1...70).map(String.init))
        #expect(run.output == (1...70).map { "hello \($0)\n" }.joined() && run.code == 0)
    }

    @Test("works with closed standard descriptors, and if its parent ignores signals")
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
                forkpool: cannot write standard output: Bad file descriptor; nothing is left running; go on with --resume l
                66
                forkpool: standard input: cannot be read: Bad file descriptor; nothing is left running
                c
                d

                """)
    }

    @Test("does not time out a job that ended during the wait for a slow reader")
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
}
#endif
