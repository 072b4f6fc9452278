// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Glibc
import Testing

@Suite("forkpool run: the files that its options name")
struct RunOwnFilesTests {
    private let folder: ScratchFolder

    init() throws { folder = try ScratchFolder() }

    /// Runs in the folder, with the file of items as standard input.
    private func run(_ arguments: [String]) throws -> CommandRun {
        try CommandRun(
            ["run"] + arguments, through: ["/bin/sh", "-c", "cd '\(folder.path)' && exec \"$0\" \"$@\" <items"])
    }

    @Test(
        "refuses a log that is a file of items or the input of the jobs, and leaves it as it was",
        arguments: [
            (["--log", "items", "echo", "::::", "items"], "items come from"),
            (["--log", "./items", "echo", ":::", "a", "::::", "items"], "items come from"),
            (["--log", "items", "echo", "::::", "other", "./items"], "items come from"),
            (["--log", "items", "-a", "other", "-a", "./items", "echo"], "items come from"),
            (["--log", "link", "-a", "items", "-a", "other", "echo"], "items come from"),
            (["--log", "./items", "-a", "-", "-a", "other", "echo"], "items come from"),
            (["--resume", "./items", "echo", "::::", "items"], "items come from"),
            (["--log", "items", "--input", "./items", "cat", ":::", "a"], "jobs read (--input)"),
            (["--log", "link", "--input", "items", "cat", ":::", "a"], "jobs read (--input)"),
        ] as [([String], String)])
    func logs(_ arguments: [String], _ words: String) throws {
        try folder.write("a\nb\n", to: "items")
        try folder.write("c\n", to: "other")
        try folder.link("link", to: "items")
        let run = try run(arguments)
        #expect(run.code == 64 && run.output.isEmpty)
        #expect(run.errors.contains("the log \(arguments[1]) is the file that the \(words)."), "\(run.errors)")
        #expect(try String(contentsOfFile: folder.path + "/items", encoding: .utf8) == "a\nb\n")
    }

    @Test("waits for the writer of an --input that is a pipe with a name")
    func pipe() throws {
        let pipe = folder.path + "/pipe"
        try #require(unsafe mkfifo(pipe, 0o600) == 0)
        // The writer is late, so that the timer of the command interrupts its wait a few times.
        let script = "timeout 60 sh -c 'sleep 0.5; echo late >\(pipe)' & exec \"$0\" \"$@\""
        let run = try CommandRun(
            ["run", "--input", pipe, "--sh", "cat", ":::", "a"], through: ["/bin/sh", "-c", script])
        #expect(run.output == "late\n" && run.code == 0 && run.errors.isEmpty, "\(run.errors)")
    }

    @Test("a run that waits for such a writer ends by a signal")
    func interrupted() throws {
        try #require(unsafe mkfifo(folder.path + "/pipe", 0o600) == 0)
        try folder.write("here\n", to: "a")
        let run = try RunningCommand([
            "run", "-j1", "--order", "live", "--input", folder.path + "/{}", "--sh", "cat", ":::", "a", "pipe",
        ])
        #expect(run.read(atLeast: 5) == "here\n")
        kill(run.pid, SIGTERM)
        let (output, errors, status) = try run.end()
        #expect(status & 0x7F == SIGTERM && output.isEmpty)
        #expect(errors.contains("interrupted by SIGTERM"), "\(errors)")
    }
}
#endif
