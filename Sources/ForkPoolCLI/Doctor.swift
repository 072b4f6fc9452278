import ArgumentParser
import Glibc

/// The verb `forkpool doctor`: what this machine gives a pool, and what a gate can tell on it.
struct Doctor: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", _superCommandName: "forkpool",
        abstract: "Look at what this machine gives a pool and a performance gate.",
        discussion: """
            Shows the processors that a pool may use, what limits them, the kernel's features that the library uses, \
            and how busy the machine is. Then it measures itself against itself in 20 pairs of runs: what differs is \
            noise, and no gate can tell less. Takes about a second.

            EXAMPLES
              forkpool doctor
              forkpool doctor --json

            EXIT CODES
              0    looked; warnings do not change that
              64   the command line is wrong
              70   the system refused a process or memory
              74   the results cannot be written
            """)

    @Flag(help: "Write one JSON document instead of text.")
    var json = false

    @Option(help: .private)
    var spin: Int?

    func run() throws {
        // What the noise is measured with.
        if let spin { return NoiseFloor.spin(max(0, spin)) }
        let machine = Machine.examine()
        do {
            let findings = machine + (try NoiseFloor.measure()).findings
            let text = json ? Self.document(findings).text + "\n" : Self.text(findings, Style(for: STDOUT_FILENO))
            StandardOutput.write(text)
        } catch {
            error.complain()
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
        return text + (bad == 0 ? "Nothing to complain of.\n" : "\(counted(bad, "warning")): see the lines with →.\n")
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
