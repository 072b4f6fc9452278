// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Glibc
import Testing

@Suite("forkpool run, a signal while a reader is slow or takes nothing")
struct RunReaderTests {
    private let scratch: ScratchFolder

    init() throws {
        scratch = try ScratchFolder()
    }

    /// Waits until each of two jobs has written.
    private func waitForJobs() throws {
        for name in ["1", "2"] {
            let path = "\(scratch.path)/\(name)"
            for _ in 0..<6000 where !FileManager.default.fileExists(atPath: path) { usleep(10_000) }
            try #require(FileManager.default.fileExists(atPath: path), "no \(name) after a minute")
        }
    }

    /// A script that writes many lines to a stream, and then runs for ever.
    private func lines(to stream: Int) -> String {
        "head -c 1000000 /dev/zero | tr '\\0' '\\n' >&\(stream); : >'\(scratch.path)/'$1; exec sleep 1000"
    }

    @Test("the run ends, and says what was not printed", arguments: ["keep", "done", "lines"])
    func blocked(_ order: String) async throws {
        let run = try RunningCommand([
            "run", "-j2", "--order", order, "--sh", lines(to: 1), ":::", "1", "2", "3",
        ])
        try waitForJobs()
        kill(run.pid, SIGTERM)
        // Nothing reads its output until it has ended.
        #expect(try run.endUnread().map { $0 & 0x7F } == SIGTERM)
        let errors = run.readErrors()
        #expect(
            errors.contains("forkpool: interrupted by SIGTERM: 0 done, 2 ended; nothing is left running; the output"))
        #expect(errors.hasSuffix(" may be missing or cut, because the reader did not take them in time\n"), "\(errors)")
    }

    @Test(
        "also if standard error has the same reader, whatever was to be written there",
        arguments: ["--order done", "--order lines", "--tag", "--progress plain"])
    func both(_ options: String) async throws {
        let run = try RunningCommand(
            ["-c", "exec \"$0\" run -j2 \(options) --sh \"$@\" 2>&1", lines(to: 2), ":::", "1", "2", "3"],
            through: "/bin/sh")
        try waitForJobs()
        kill(run.pid, SIGINT)
        #expect(try run.endUnread().map { $0 & 0x7F } == SIGINT)
    }

    @Test("a reader of one output gets what is left of it though the other output is not read", arguments: [1, 2])
    func other(_ read: Int) async throws {
        for order in ["keep", "done"] {
            for name in ["1", "2"] { unsafe unlink("\(scratch.path)/\(name)") }
            let script =
                "head -c 1000000 /dev/zero | tr '\\0' '\\n' >&\(3 - read); echo read$1 >&\(read); "
                + ": >'\(scratch.path)/'$1; exec sleep 1000"
            let run = try RunningCommand(["run", "-j2", "--order", order, "--sh", script, ":::", "1", "2", "3"])
            try waitForJobs()
            kill(run.pid, SIGTERM)
            let text: String
            if read == 1 {
                let end = try run.end()
                #expect(end.status & 0x7F == SIGTERM)
                text = end.output
            } else {
                text = run.readErrors()
                #expect(try run.endUnread().map { $0 & 0x7F } == SIGTERM)
                #expect(text.contains(" may be missing or cut"))
            }
            #expect(text.contains("read1\n") && text.contains("read2\n"), "\(text)")
        }
    }

    @Test("a second signal ends it at once")
    func twice() async throws {
        let run = try RunningCommand(["run", "-j2", "--sh", lines(to: 1), ":::", "1", "2"])
        try waitForJobs()
        kill(run.pid, SIGINT)
        kill(run.pid, SIGTERM)
        #expect(try run.endUnread().map { $0 & 0x7F == SIGINT || $0 & 0x7F == SIGTERM } == true)
    }

    @Test("a reader that is only late gets everything")
    func late() async throws {
        let script = "seq 100000; : >'\(scratch.path)/'$1; exec sleep 1000"
        let run = try RunningCommand(["run", "-j2", "--sh", script, ":::", "1", "2"])
        try waitForJobs()
        kill(run.pid, SIGTERM)
        let end = try run.end()
        let once = (1...100_000).map { "\($0)\n" }.joined()
        #expect(end.output == once + once && !end.errors.contains("missing"), "\(end.errors)")
    }
}
#endif
