// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Glibc
import Testing

/// A shell in a control group of its own that limits its memory, where the system lets this process make one.
enum LimitedShell {
    /// Runs `"$0" "$@"` in the group, and removes the group.
    static func words(_ bytes: Int, _ script: String = "\"$0\" \"$@\"") -> [String] {
        let group = """
            line=$(grep -E '^[0-9]+:memory:|^0::' /proc/self/cgroup | sort -t: -k2 -r | head -n 1)
            case $line in
                *:memory:*) home=/sys/fs/cgroup/memory${line##*:} file=memory.limit_in_bytes ;;
                *) home=/sys/fs/cgroup${line##*:} file=memory.max ;;
            esac
            group=$home/forkpool-run-$$
            mkdir "$group" && echo \(bytes) >"$group/$file" || exit 99
            (echo $(exec sh -c 'echo $PPID') >"$group/cgroup.procs" || exit 99; \(script))
            code=$?
            n=0; until rmdir "$group" 2>/dev/null || [ $n = 100 ]; do sleep 0.05; n=$((n + 1)); done
            exit $code
            """
        return ["/bin/sh", "-c", group]
    }

    static let works: Bool = {
        (try? CommandRun(["run", "true", ":::", "a"], through: words(256 << 20)))?.code == 0
    }()
}

@Suite("forkpool run, with outputs that do not fit in memory")
struct RunMemoryTests {
    /// A job that writes its own digit a number of times.
    private func job(_ bytes: Int) -> String { "head -c \(bytes) /dev/zero | tr '\\0' $1" }

    /// Runs the jobs one after the other, without the command.
    private func expected(_ bytes: Int, _ items: [Int]) throws -> String {
        let loop =
            "for i in \(items.map(String.init).joined(separator: " ")); do set -- $i; \(job(bytes)); done | md5sum"
        return try CommandRun([], through: ["/bin/sh", "-c", loop]).output
    }

    @Test(
        "prints what waits for a slow job, in a control group that is too small for it",
        .enabled(if: LimitedShell.works, "this process cannot make control groups"))
    func waiting() throws {
        let items = Array(1...8)
        let run = try CommandRun(
            ["run", "-j2", "--sh", "if [ $1 = 1 ]; then sleep 1; fi; \(job(60_000_000))", ":::"]
                + items.map(String.init),
            through: LimitedShell.words(200_000_000, "{ \"$0\" \"$@\" || echo failed; } | md5sum"))
        #expect(try run.output == expected(60_000_000, items) && run.errors.isEmpty, "\(run.errors)")
    }

    @Test(
        "prints jobs of which each writes more than a control group allows",
        .enabled(if: LimitedShell.works, "this process cannot make control groups"))
    func running() throws {
        let run = try CommandRun(
            ["run", "-j2", "--sh", job(300_000_000), ":::", "1", "2"],
            through: LimitedShell.words(200_000_000, "{ \"$0\" \"$@\" || echo failed; } | md5sum"))
        #expect(try run.output == expected(300_000_000, [1, 2]) && run.errors.isEmpty, "\(run.errors)")
        // The same for a job that is not printed while it runs.
        let done = try CommandRun(
            ["run", "-j1", "--order", "done", "--tag", "--sh", job(300_000_000), ":::", "1"],
            through: LimitedShell.words(200_000_000, "{ \"$0\" \"$@\" || echo failed; } | wc -c"))
        // The tag, the tab, and the end of the line.
        #expect(done.output == "300000003\n" && done.errors.isEmpty, "\(done.errors)")
    }

    @Test("keeps every place busy while a slow job runs, however many wait for it")
    func busy() throws {
        let scratch = try ScratchFolder()
        // Job 1 ends when all other jobs have ended; they all need the other place.
        let job = "echo $1; : >$1; [ $1 != 1 ] || until [ $(ls | wc -l) = 500 ]; do sleep 0.05; done"
        let run = try CommandRun(
            ["run", "-j2", "--sh", job, ":::"] + (1...500).map(String.init),
            through: ["/bin/sh", "-c", "cd \(scratch.path); exec \"$0\" \"$@\""])
        #expect(run.output == (1...500).map { "\($0)\n" }.joined() && run.code == 0, "\(run.errors)")
    }

    @Test(
        "prints, tags, reports and logs jobs that waited in a file as all others",
        .enabled(if: LimitedShell.works, "this process cannot make control groups"))
    func stored() throws {
        let scratch = try ScratchFolder()
        let job = """
            echo $1; head -c 60000 /dev/zero | tr '\\0' x | fold -w 999; echo; echo e$1 >&2; : >$1
            [ $1 != 1 ] || until [ $(ls | wc -l) = 400 ]; do sleep 0.05; done; [ $1 != 300 ]
            """
        let items = (1...400).map(String.init)
        // The files are too few for the outputs, and the limit on descriptors shows that they are not kept open.
        let run = try CommandRun(
            ["run", "-j2", "--tag", "--log", "../log", "--sh", job, ":::"] + items,
            through: LimitedShell.words(
                64 << 20, "mkdir \(scratch.path)/w; cd \(scratch.path)/w; ulimit -n 64; \"$0\" \"$@\""))
        #expect(run.code == 123)
        var errors = items.map { "\($0)\te\($0)\n" }
        errors[299] += "forkpool: job 300 (300): exit status 1\n"
        #expect(run.errors == errors.joined())
        let lines = run.output.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        let tags = lines.map { $0.prefix { $0 != "\t" } }
        // Each job's lines are together and in order.
        var order: [Substring] = []
        for tag in tags where order.last != tag { order.append(tag) }
        #expect(order.elementsEqual(items.map { $0[...] }))
        for item in items { #expect(lines.contains("\(item)\t\(item)")) }
        let log = try String(contentsOfFile: scratch.path + "/log", encoding: .utf8).split(separator: "\n")
        let entries = try log.map { try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] ?? [:] }
        #expect(entries.map { $0["seq"] as? Int } == Array(1...400) && entries[299]["exit"] as? Int == 1)
        #expect(entries.allSatisfy { ($0["bytes"] as? Int ?? 0) > 60_000 })
    }

    @Test(
        "keeps no records of --pipe whose jobs have ended",
        .enabled(if: LimitedShell.works, "this process cannot make control groups"))
    func records() throws {
        let scratch = try ScratchFolder()
        // Job 1 ends when all others have.
        let job = """
            [ $FORKPOOL_NUMBER != 1 ] || until [ $(ls | wc -l) = 199 ]; do sleep 0.05; done
            wc -l; : >$FORKPOOL_NUMBER
            """
        let lines = "head -c 200000000 /dev/zero | tr '\\0' '\\n'"
        let run = try CommandRun(
            ["run", "-j2", "--pipe", "--block", "1MB", "--sh", job],
            through: LimitedShell.words(100_000_000, "cd \(scratch.path); \(lines) | \"$0\" \"$@\""))
        #expect(run.output == String(repeating: "1000000\n", count: 200) && run.code == 0, "\(run.errors)")
    }

    @Test("says that the folder of --tmpdir is missing")
    func folder() throws {
        let run = try CommandRun(["run", "--tmpdir", "/no/folder", "true", ":::", "a"])
        #expect(run.code == 74)
        #expect(run.errors == "forkpool: cannot write /no/folder: No such file or directory; nothing is left running\n")
    }
}
#endif
