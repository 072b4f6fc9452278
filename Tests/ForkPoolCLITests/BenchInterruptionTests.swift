// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Glibc
import Testing

@Suite("A benchmark that is interrupted")
struct BenchInterruptionTests {
    /// A FIFO whose reader sees the end when no process has it open for writing.
    private struct Witness {
        let path: String
        let reading: Int32

        init(in scratch: ScratchFolder) throws {
            path = scratch.path + "/witness"
            try #require(unsafe mkfifo(path, 0o600) == 0)
            reading = unsafe open(path, O_RDONLY | O_NONBLOCK)
        }

        /// Waits for a byte, or for the end.
        func next() -> Int {
            var entry = pollfd(fd: reading, events: Int16(POLLIN), revents: 0)
            guard unsafe poll(&entry, 1, 60_000) == 1 else { return -1 }
            var byte: UInt8 = 0
            return unsafe read(reading, &byte, 1)
        }
    }

    /// A command with a child in its group that runs for ten minutes.
    private func words(_ witness: Witness) -> [String] {
        ["--", "sh", "-c", "{ echo; exec sleep 600; } >\"$0\" & wait", witness.path]
    }

    @Test("kills the running command and its whole group", arguments: [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGABRT])
    func ends(_ number: Int32) throws {
        let scratch = try ScratchFolder()
        let witness = try Witness(in: scratch)
        let run = try RunningCommand(["bench"] + words(witness))
        #expect(witness.next() == 1)
        kill(run.pid, number)
        let (output, errors, status) = try run.end()
        #expect(status & 0x7F == number && output.isEmpty)
        #expect(errors.hasSuffix("; nothing is left running\n"))
        #expect(witness.next() == 0)
        close(witness.reading)
    }

    @Test("by SIGKILL prints nothing, but the running command still ends")
    func killed() throws {
        let scratch = try ScratchFolder()
        let witness = try Witness(in: scratch)
        let run = try RunningCommand(["bench"] + words(witness))
        #expect(witness.next() == 1)
        kill(run.pid, SIGKILL)
        let (output, errors, status) = try run.end()
        #expect(status & 0x7F == SIGKILL && output.isEmpty && errors.isEmpty)
        #expect(witness.next() == 0)
        close(witness.reading)
    }

    @Test("by Ctrl-C on a terminal does the same")
    func terminal() throws {
        let scratch = try ScratchFolder()
        let witness = try Witness(in: scratch)
        let run = try RunningCommand(["bench"] + words(witness), onTerminal: true)
        #expect(witness.next() == 1)
        kill(-run.pid, SIGINT)
        let (output, _, status) = try run.end()
        #expect(status & 0x7F == SIGINT)
        #expect(output.hasSuffix("forkpool: interrupted by SIGINT; nothing is left running\r\n"))
        #expect(witness.next() == 0)
        close(witness.reading)
    }

    @Test("reports the end of its launcher, and the command ends")
    func launcher() throws {
        let scratch = try ScratchFolder()
        let witness = try Witness(in: scratch)
        // The measured shell kills its parent, the launcher.
        let script = "exec 3>\"$0\"; sleep 600 & kill -9 $PPID; wait"
        let run = try CommandRun(["bench", "--", "sh", "-c", script, witness.path])
        #expect(run.code == 70 && run.output.isEmpty)
        #expect(run.errors.split(separator: "\n").count == 1 && run.errors.hasPrefix("forkpool: "))
        #expect(witness.next() == 0)
        close(witness.reading)
    }
}
#endif
