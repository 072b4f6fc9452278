// SPDX-License-Identifier: Apache-2.0
#if Command
import ArgumentParser
import Glibc

/// The verb `forkpool doctor`: examines this machine, and the noise that a performance gate has on it.
struct Doctor: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", _superCommandName: "forkpool",
        abstract: "Examine this machine for pools and performance gates.",
        discussion: """
            Shows the processors that a pool may use and their limits, the kernel features that the library uses, \
            and how busy the machine is. Then it compares 20 pairs of runs of the same program: any difference is \
            noise, and a gate cannot find smaller ones. This takes about a second.

            EXAMPLES
              forkpool doctor
              forkpool doctor --json

            EXIT CODES
              0    done, with or without warnings
              64   the command line is wrong
              70   the system refused a process or memory
              74   the results cannot be written
            """)

    @Flag(help: "Write one JSON document instead of text.")
    var json = false

    @Option(help: .private)
    var spin: Int?

    func run() throws {
        // The program whose runs measure the noise.
        if let spin { return NoiseFloor.spin(max(0, spin)) }
        let machine = Machine.examine()
        do {
            let findings = machine + (try NoiseFloor.measure()).findings
            let text = json ? Self.document(findings).text + "\n" : Self.text(findings, Style(for: STDOUT_FILENO))
            StandardOutput.write(text)
        } catch {
            error.report()
            throw ExitCode(Exit.internalError)
        }
    }

    private static func text(_ findings: [Finding], _ style: Style) -> String {
        let width = findings.map(\.name.count).max() ?? 0
        var text = ""
        for finding in findings {
            let mark = finding.state == .good ? " " : finding.state == .warning ? "!" : "✗"
            text += "\(mark) \(style.title(left(finding.name, width)))  \(finding.value)\n"
            if let advice = finding.advice { text += "  \(left("", width))  → \(advice)\n" }
        }
        let bad = findings.count { $0.state != .good }
        return text + (bad == 0 ? "No warnings.\n" : "\(counted(bad, "warning")): see the lines with →.\n")
    }

    private static func document(_ findings: [Finding]) -> JSON {
        .object([
            ("version", .string(ForkPoolCommand.version)),
            ("verb", .string("doctor")),
            ("host", Host.current.json),
            ("findings", .array(findings.map(\.json))),
        ])
    }
}
#endif
