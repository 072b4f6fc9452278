// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Glibc
import Testing

/// A shell in a mount namespace of its own, in a small folder that is in memory.
private enum SmallDisk {
    /// Runs a script in a folder that has room for 64 KiB; `"$@"` is the command.
    static func words(_ script: String, _ options: [String] = ["-m"]) -> [String] {
        let mount = "d=$(mktemp -d) && mount -t tmpfs -o size=64k none $d && cd $d || exit 99; "
        return ["/usr/bin/unshare"] + options + ["/bin/sh", "-c", mount + script, "sh"]
    }

    static let works: Bool = {
        (try? CommandRun(["--version"], through: words("\"$@\"")))?.code == 0
    }()
}

@Suite(
    "forkpool run, on a disk that is full", .enabled(if: SmallDisk.works, "this process cannot make mount namespaces"))
struct RunFullDiskTests {
    private static let fill = "head -c 100000 /dev/zero >fill 2>/dev/null; "

    private func run(_ arguments: [String], _ script: String) throws -> CommandRun {
        try CommandRun(["run"] + arguments, through: SmallDisk.words(script))
    }

    @Test(
        "prints small outputs, however many jobs there are, without a byte in --tmpdir",
        arguments: [fill, "mount -o remount,ro $d; "])
    func small(_ state: String) throws {
        let items = (1...100).map(String.init)
        // Job 1 ends last, so that all others wait for it.
        let script =
            "echo $1; echo e$1 >&2; until [ $1 != 1 ] || [ -e ../done-$PPID ]; do sleep 0.01; done; "
            + "[ $1 != 100 ] || : >../done-$PPID"
        let run = try run(
            ["-j100", "--tmpdir", ".", "--sh", script, ":::"] + items,
            state + "\"$@\"; code=$?; rm -f ../done-*; exit $code")
        #expect(run.code == 0 && run.output == items.map { $0 + "\n" }.joined(), "\(run.errors)")
        #expect(run.errors == items.map { "e\($0)\n" }.joined())
    }

    @Test(
        "says which job and which folder, if outputs beyond the budget find no room",
        .enabled(if: LimitedShell.works, "this process cannot make control groups"), arguments: [">&1", ">&2"])
    func large(_ stream: String) throws {
        let job = "[ $1 = 1 ] || exec head -c 40000000 /dev/zero \(stream); exec sleep 1000"
        let mount =
            "d=$(mktemp -d) && mount -t tmpfs -o size=64k none $d && "
            + "exec \"$0\" \"$@\" --tmpdir $d --sh '\(job)' ::: 1 2 3"
        let quoted = mount.replacing("'", with: "'\\''")
        let run = try CommandRun(
            ["run", "-j2"],
            through: LimitedShell.words(100_000_000, "unshare -m sh -c '\(quoted)' \"$0\" \"$@\""))
        #expect(run.code == 74 && run.output.isEmpty)
        #expect(run.errors.hasPrefix("forkpool: cannot write the output of job "), "\(run.errors)")
        #expect(run.errors.hasSuffix("(see --tmpdir): No space left on device; nothing is left running\n"))
        #expect(run.errors.contains(", which waits in /"))
    }

    @Test(
        "--results on a full disk is an error, though the job does not see it",
        arguments: [">&1", ">&2"], ["keep", "done", "lines"])
    func results(_ stream: String, _ order: String) throws {
        let job = "head -c 24000 /dev/zero \(stream); true"
        let run = try run(
            ["-j1", "--order", order, "--results", "r", "--sh", job, ":::", "1", "2", "3", "4"],
            "\"$@\"; code=$?; ls r; exit $code")
        #expect(run.code == 74)
        #expect(run.errors.contains("cannot write the output of job 3 to /"), "\(run.errors)")
        #expect(run.errors.contains("/r/3."))
        #expect(run.errors.contains("No space left on device; nothing is left running"))
        // What has its final name is whole.
        #expect(run.output.contains("2.err\n2.out\n") && !run.output.contains("3.out\n"))
    }

    @Test("a run that a full disk ended goes on where there is room")
    func resume() throws {
        let job = "head -c 24000 /dev/zero; exit 0"
        let items = ["1", "2", "3", "4"]
        let command = ["-j1", "--results", "r", "--sh", job, ":::"] + items
        let script =
            "\"$@\" --log log \(Self.quoted(command)) >/dev/null; echo $?; mount -o remount,size=1m . && "
            + "\"$@\" --resume log \(Self.quoted(command)) | wc -c"
        let run = try run([], script)
        #expect(run.output == "74\n48000\n" && run.code == 0)
        #expect(run.errors.hasSuffix("nothing is left running; go on with --resume log\n"), "\(run.errors)")
    }

    private static func quoted(_ words: [String]) -> String { words.map { "'\($0)'" }.joined(separator: " ") }

    @Test("--log on a full disk, and standard output on one, are errors")
    func others() throws {
        let items = (1...1000).map(String.init)
        let log = try run(["--log", "log", "--sh", "echo $1; true", ":::"] + items, "\"$@\"")
        #expect(log.code == 74 && log.errors.contains("cannot write log: No space left"), "\(log.errors)")
        let output = try run(
            ["--sh", "head -c 30000 /dev/zero; true", ":::", "1", "2", "3"], "\"$@\" >out")
        #expect(output.code == 74)
        #expect(output.errors.contains("cannot write standard output: No space"), "\(output.errors)")
        let merged = try CommandRun(
            [],
            through: SmallDisk.words(
                "\"$@\" run --shard 0/1 --results /dev/shm/forkpool-$$ --sh 'head -c 90000 /dev/zero' ::: 1 >/dev/null; "
                    + "\"$@\" merge /dev/shm/forkpool-$$ >out; code=$?; rm -r /dev/shm/forkpool-$$; exit $code"))
        #expect(merged.code == 74)
        #expect(merged.errors.contains("cannot write standard output: No space"), "\(merged.errors)")
    }

    @Test("jobs write to pipes where the system may refuse a write into memory", arguments: ["0", "1", "2"])
    func overcommit(_ mode: String) throws {
        let run = try run(
            ["-j1", "--sh", "readlink /proc/self/fd/1", ":::", "1"],
            "echo \(mode) >mode && mount --bind mode /proc/sys/vm/overcommit_memory || exit 99; \"$@\"")
        #expect(run.output.hasPrefix(mode == "2" ? "pipe:" : "/memfd:") && run.code == 0, "\(run.output)\(run.errors)")
    }

    @Test("a process that a job leaves running may write on, where jobs write to pipes")
    func leftRunning() throws {
        // Job 2 ends when the process that job 1 left has written more than a pipe holds.
        let script =
            "[ $1 = 2 ] || { { until [ -e go ]; do sleep 0.01; done; head -c 300000 /dev/zero && : >end; } & "
            + "echo 1; exit; }; : >go; until [ -e end ]; do sleep 0.01; done; echo 2"
        let run = try run(["-j1", "--sh", script, ":::", "1", "2"], "ulimit -f 1000000; \"$@\"")
        #expect(run.output == "1\n2\n" && run.code == 0 && run.errors.isEmpty, "\(run.errors)")
    }

    @Test("a limit on the size of files is an error of what exceeds it, not the end of a job")
    func limit() throws {
        let job = "head -c 100000 /dev/zero; true"
        let capture = try run(["--sh", job, ":::", "1"], "ulimit -f 16; \"$@\" | wc -c; ")
        #expect(
            capture.errors
                == "forkpool: cannot write the output of job 1 to memory (see ulimit -f): File too large; "
                + "nothing is left running\n")
        let output = try run(
            ["--sh", job, ":::", "1", "2"],
            "cd /dev/shm; ulimit -f 256; \"$@\" >forkpool-$$; code=$?; rm forkpool-$$; exit $code")
        #expect(output.code == 74)
        #expect(output.errors.contains("cannot write standard output: File too large"), "\(output.errors)")
    }
}
#endif
