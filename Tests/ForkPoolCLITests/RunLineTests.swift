// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Glibc
import Testing

@Suite("forkpool run, tags and lines")
struct RunLineTests {
    private let scratch: ScratchFolder

    init() throws {
        scratch = try ScratchFolder()
    }

    @Test("a tag begins each line, also where a job ends within one", arguments: ["keep", "done", "lines"])
    func tags(_ order: String) throws {
        let run = try CommandRun(
            ["run", "-j1", "--order", order, "--tag", "--sh", "printf out$1; printf err$1 >&2", ":::", "1", "2"],
            through: ["/bin/sh", "-c", "exec \"$0\" \"$@\" 2>&1"])
        #expect(run.output == "1\tout1\n1\terr1\n2\tout2\n2\terr2\n")
    }

    @Test("lines of more than a mebibyte are not glued to those of other jobs")
    func long() throws {
        // Each job waits until the other one, too, has written a long line without its end, and a moment longer.
        let script = """
            head -c 3000000 /dev/zero | tr '\\0' $1; : >'\(scratch.path)/'$1
            until [ -e '\(scratch.path)/a' ] && [ -e '\(scratch.path)/b' ]; do sleep 0.05; done
            sleep 0.5; echo; echo $1
            """
        let run = try CommandRun(["run", "-j2", "--order", "lines", "--sh", script, ":::", "a", "b"])
        func row(_ letter: Character) -> String { "\(letter)\t" + String(repeating: letter, count: 3_000_000) }
        let lines = run.output.split(separator: "\n").map(String.init).sorted()
        #expect(lines == ["a\ta", row("a"), "b\tb", row("b")])
    }

    @Test("--order lines prints only the last attempt, while it runs if it is the last one possible")
    func attempts() async throws {
        let script = """
            echo x >>'\(scratch.path)/n'; n=$(wc -l <'\(scratch.path)/n'); echo attempt $n; sleep 0.3; [ $n = 2 ] || exit 1
            until [ -e '\(scratch.path)/go' ]; do sleep 0.05; done
            """
        let run = try RunningCommand(["run", "--order", "lines", "--retries", "1", "--sh", script, ":::", "x"])
        #expect(try run.read { $0.hasSuffix("\n") } == "x\tattempt 2\n")
        try scratch.write("", to: "go")
        let end = try run.end()
        #expect(end.output.isEmpty && end.status == 0)
        let failing = try CommandRun(
            ["run", "--order", "lines", "--retries", "3", "--sh", "echo some; sleep 0.3; exit 1", ":::", "x"])
        #expect(failing.output == "x\tsome\n" && failing.code == 123)
    }
}
#endif
