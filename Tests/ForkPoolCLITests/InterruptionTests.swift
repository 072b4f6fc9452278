// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Glibc
import Testing

@Suite("A command that is interrupted")
struct InterruptionTests {
    @Test(
        "E2: prints one line, and ends by the signal with all of its workers",
        arguments: [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGABRT])
    func ends(_ number: Int32) async throws {
        let run = try RunningCommand(["tour"])
        run.waitForOutput()
        kill(run.pid, number)
        let (output, errors, status) = try run.end()
        #expect(status & 0x7F == number)
        let name = [SIGINT: "SIGINT", SIGTERM: "SIGTERM", SIGHUP: "SIGHUP", SIGQUIT: "SIGQUIT", SIGABRT: "SIGABRT"][
            number]!
        #expect(errors == "forkpool: interrupted by \(name); nothing is left running\n")
        // The tour did not reach its last sentence.
        #expect(!output.contains("That was the tour"))
    }

    @Test("E2: does the same by Ctrl-C on a terminal, and leaves the terminal as it was")
    func terminal() async throws {
        let run = try RunningCommand(["tour"], onTerminal: true)
        let before = run.terminalState()
        run.waitForOutput()
        kill(-run.pid, SIGINT)
        let (output, _, status) = try run.end()
        #expect(status & 0x7F == SIGINT)
        #expect(output.components(separatedBy: "interrupted").count == 2)
        #expect(output.hasSuffix("forkpool: interrupted by SIGINT; nothing is left running\r\n"))
        #expect(run.terminalState() == before)
    }

    @Test("E2: an ignored signal does not end it")
    func ignored() async throws {
        let run = try RunningCommand(["overhead", "--help"], ignoring: SIGHUP)
        let (output, errors, status) = try run.end()
        #expect(status == 0 && errors.isEmpty && output.contains("overhead"))
    }
}
#endif
