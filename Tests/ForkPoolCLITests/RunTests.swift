// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Glibc
import Testing

@Suite("forkpool run")
struct RunTests {
    /// Runs with a text as standard input.
    private func run(_ arguments: [String], input: String) throws -> CommandRun {
        let folder = try ScratchFolder()
        let file = try folder.write(input, to: "items")
        return try CommandRun(["run"] + arguments, through: ["/bin/sh", "-c", "exec \"$0\" \"$@\" < '\(file)'"])
    }

    @Test("prints whole outputs in input order, also if later jobs end first")
    func order() throws {
        let run = try CommandRun([
            "run", "-j4", "--sh", "sleep 0.$1; echo out $1; echo err $1 >&2", ":::", "4", "3", "2", "1",
        ])
        #expect(run.output == "out 4\nout 3\nout 2\nout 1\n")
        #expect(run.errors == "err 4\nerr 3\nerr 2\nerr 1\n")
        #expect(run.code == 0)
    }

    @Test("prints as jobs end with --order done, and as they write with live")
    func otherOrders() throws {
        // The first job ends after the process of the second one is gone.
        let script = """
            if [ $1 = a ]; then while [ ! -s $F/b ]; do :; done; while kill -0 $(cat $F/b); do :; done 2> /dev/null; fi
            echo $1; echo $$ > $F/$1
            """
        for order in ["done", "live"] {
            let folder = try ScratchFolder()
            let run = try CommandRun(
                ["run", "-j2", "--order", order, "--sh", script, ":::", "a", "b"],
                environment: ["PATH=/usr/bin:/bin", "F=\(folder.path)"])
            #expect(run.output == "b\na\n" && run.code == 0)
        }
    }

    @Test("does not mix the lines of 200 jobs that write each line in two pieces")
    func tearing() throws {
        let script = "i=0; while [ $i -lt 160 ]; do printf '%s-' $1; printf '%s\\n' $i; i=$((i + 1)); done"
        let run = try run(["--sh", script], input: (1...200).map { "\($0)\n" }.joined())
        #expect(run.output == (1...200).flatMap { job in (0..<160).map { "\(job)-\($0)\n" } }.joined())
        #expect(run.code == 0 && run.errors.isEmpty)
    }

    @Test("copies 2000 outputs of 10 kB, byte for byte")
    func manyOutputs() throws {
        let run = try run(["printf", "%010239d\\n", "{}"], input: (1...2000).map { "\($0)\n" }.joined())
        let expected = (1...2000).map { number in
            String(repeating: "0", count: 10_239 - "\(number)".count) + "\(number)\n"
        }
        #expect(run.output == expected.joined() && run.code == 0)
    }

    @Test("copies 64 outputs of 16 MiB through a pipe, byte for byte")
    func bigOutputs() throws {
        let job = "head -c 16777208 /dev/zero; printf %08d $1"
        let loop = "for i in $(seq 64); do set -- $i; \(job); done | md5sum"
        let expected = try CommandRun([], through: ["/bin/sh", "-c", loop])
        let run = try CommandRun(
            ["run", "-j2", "--sh", job, ":::"] + (1...64).map(String.init),
            through: ["/bin/sh", "-c", "\"$0\" \"$@\" | md5sum"])
        #expect(run.output.count == 36 && run.output == expected.output)
    }

    @Test("appends a large output to a file, and writes one to a terminal")
    func outputs() throws {
        let folder = try ScratchFolder()
        let append =
            "\"$0\" \"$@\" >> \(folder.path)/out; \"$0\" \"$@\" >> \(folder.path)/out; wc -c < \(folder.path)/out"
        let run = try CommandRun(
            ["run", "--sh", "head -c $1 /dev/zero", ":::", "100000", "3"], through: ["/bin/sh", "-c", append])
        #expect(run.output == "200006\n")
        let terminal = try CommandRun(["run", "--sh", "yes | head -c $1", ":::", "100000", "2"], to: .terminal)
        #expect(terminal.output.count { $0 == "y" || $0 == "\r\n" } == 100_002 && terminal.code == 0)
    }

    @Test("passes each item as one word, without a shell")
    func words() throws {
        let items = ["a b", "$(touch /tmp/no)", "it's", "\\n", "-e", "*"]
        let run = try run(["printf", "[%s]\\n", "{}"], input: items.joined(separator: "\n"))
        #expect(run.output == items.map { "[\($0)]\n" }.joined() && run.code == 0)
    }

    @Test("passes bytes that are not UTF-8 unchanged, from a list and from standard input")
    func bytes() throws {
        let script = """
            x=$(printf 'a\\377b'); "$0" run -- printf %s ::: "$x" | od -An -tx1; \
            printf 'c\\376\\0d\\ne\\0' | "$0" run -0 -- printf '%s,' | od -An -tx1
            """
        let run = try CommandRun([], through: ["/bin/sh", "-c", script])
        #expect(run.output == " 61 ff 62\n 63 fe 2c 64 0a 65 2c\n")
    }

    @Test("takes items from a file, from combinations of lists, and from a pipe")
    func sources() throws {
        let folder = try ScratchFolder()
        let file = try folder.write("x\ny\n", to: "items")
        #expect(try CommandRun(["run", "-a", file, "echo"]).output == "x\ny\n")
        #expect(try CommandRun(["run", "echo", "{2}-{1}-{#}", ":::", "a", "b", ":::", "c"]).output == "c-a-1\nc-b-2\n")
        let piped = try CommandRun(
            ["run", "-j3", "--", "echo"],
            through: ["/bin/sh", "-c", "seq 3000 | \"$0\" \"$@\" | cksum; seq 3000 | cksum"])
        let sums = piped.output.split(separator: "\n")
        #expect(sums.count == 2 && sums[0] == sums[1])
        #expect(try CommandRun(["run", "echo", "never"]).output.isEmpty)
    }

    @Test("starts a job as soon as its item arrives, and prints it before the input ends")
    func streaming() throws {
        // The second item is written after the output of the first one was read.
        let script = """
            mkfifo $F/in $F/out; "$0" run -- echo < $F/in > $F/out & exec 3> $F/in 4< $F/out; \
            echo one >&3; read x <&4; echo "got $x"; echo two >&3; read x <&4; echo "got $x"; exec 3>&-; wait
            """
        let folder = try ScratchFolder()
        let run = try CommandRun(
            [], through: ["/bin/sh", "-c", script], environment: ["PATH=/usr/bin:/bin", "F=\(folder.path)"])
        #expect(run.output == "got one\ngot two\n")
    }

    @Test("gives a job an empty standard input, and the number of its slot")
    func surroundings() throws {
        #expect(try run(["--sh", "cat; echo $1"], input: "1\n2\n").output == "1\n2\n")
        let slots = try run(["-j2", "echo", "{%}"], input: "a\nb\nc\nd\n").output.split(separator: "\n")
        #expect(slots.count == 4 && slots.allSatisfy { $0 == "1" || $0 == "2" })
        // A script without a #! line runs by sh.
        let folder = try ScratchFolder()
        let script = try folder.write("echo script $1\n", to: "script")
        unsafe chmod(script, 0o755)
        #expect(try CommandRun(["run", script, ":::", "a"]).output == "script a\n")
    }

    @Test("puts the item in front of each line, and keeps outputs in a folder")
    func tagsAndResults() throws {
        #expect(
            try CommandRun(["run", "--tag", "--sh", "echo $1; echo; echo e >&2", ":::", "a", "b"]).output
                == "a\ta\na\t\nb\tb\nb\t\n")
        let folder = try ScratchFolder()
        let run = try CommandRun([
            "run", "--results", folder.path + "/r", "--sh", "echo o$1; echo e$1 >&2", ":::", "a", "b",
        ])
        #expect(run.output == "oa\nob\n" && run.errors == "ea\neb\n")
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.path + "/r").sorted() == [
                ".forkpool-jobs", "1.err", "1.out", "2.err", "2.out",
            ])
        #expect(try String(contentsOfFile: folder.path + "/r/2.err", encoding: .utf8) == "eb\n")
    }

    @Test("prints the commands, quoted for a shell, instead of running them")
    func dryRun() throws {
        let run = try CommandRun(["run", "--dry-run", "rm", "-f", "{}", "{#}", ":::", "a b", "c"])
        #expect(run.output == "rm -f 'a b' 1\nrm -f c 2\n" && run.code == 0)
    }

    @Test("logs the command, the end and the resources of each job")
    func log() throws {
        let folder = try ScratchFolder()
        let run = try CommandRun(["run", "--log", folder.path + "/log", "--sh", "printf xyz; exit $1", ":::", "0", "7"])
        #expect(run.code == 123)
        let lines = try String(contentsOfFile: folder.path + "/log", encoding: .utf8).split(separator: "\n")
        let entries = try lines.map { try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] ?? [:] }
        #expect(entries.map { $0["seq"] as? Int } == [1, 2])
        #expect(entries.map { $0["exit"] as? Int } == [0, 7])
        #expect(entries.map { $0["bytes"] as? Int } == [3, 3])
        #expect(entries[1]["argv"] as? [String] == ["sh", "-c", "printf xyz; exit $1", "sh", "7"])
        for key in ["item", "start", "wall", "user", "sys", "maxrss", "signal", "timed_out", "attempt"] {
            #expect(entries.allSatisfy { $0[key] != nil }, "\(key)")
        }
    }
}
#endif
