// SPDX-License-Identifier: Apache-2.0
#if Command
import Testing

@Suite("forkpool run: messages name what there is")
struct RunMessageTests {
    /// Runs with what a script writes as standard input.
    private func run(_ arguments: [String], input: String) throws -> CommandRun {
        try CommandRun(["run"] + arguments, through: ["/bin/sh", "-c", "{ \(input); } | exec \"$0\" \"$@\""])
    }

    @Test("the records of --pipe have no item to name")
    func records() throws {
        let failed = try run(["--pipe", "false"], input: "echo a")
        #expect(failed.errors == "forkpool: job 1: exit status 1\n")
        let options = ["--pipe", "--block", "1", "-j1", "--fail-fast", "soon"]
        let stopped = try run(options + ["false"], input: "echo a; echo b")
        #expect(stopped.errors.contains("from job 2 on never began"), "\(stopped.errors)")
        let empty = try run(["--sh", "false"], input: "echo")
        #expect(empty.errors == "forkpool: job 1 (): exit status 1\n")
    }

    @Test("--batch-bytes is the way out only with several items in a job")
    func long() throws {
        let input = "head -c 300000 /dev/zero | tr '\\0' x; echo"
        let one = try run(["echo"], input: input)
        #expect(one.code == 126 && one.errors.hasSuffix(": its command is too long for the system\n"), "\(one.errors)")
        let several = try run(["-n2", "echo"], input: input)
        #expect(several.errors.hasSuffix("too long for the system; see --batch-bytes\n"), "\(several.errors)")
    }

    @Test("--resume of -X with another -j says what makes other batches")
    func batches() throws {
        let folder = try ScratchFolder()
        let log = folder.path + "/log"
        #expect(try CommandRun(["run", "-X", "-j2", "--log", log, "echo", ":::", "a", "b"]).code == 0)
        let other = try CommandRun(["run", "-X", "-j1", "--resume", log, "echo", ":::", "a", "b"])
        #expect(other.code == 64)
        #expect(
            other.errors.contains("of a run with other items, or another -n, -X, --batch-bytes or -j: its job 1"),
            "\(other.errors)")
    }
}
#endif
