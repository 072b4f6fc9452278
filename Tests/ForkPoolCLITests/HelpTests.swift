// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Glibc
import Testing

@Suite("Help, version and completion scripts")
struct HelpTests {
    /// The folder beside this file.
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
        "Help")

    @Test(
        "the help of a verb is the text in Help, which scripts/help-texts writes",
        arguments: ["run", "merge", "bench", "check", "doctor", "overhead", "tour"])
    func help(_ verb: String) throws {
        let run = try CommandRun([verb, "--help"])
        #expect(run.code == 0 && run.errors.isEmpty)
        let text = try String(contentsOf: Self.folder.appendingPathComponent("\(verb).txt"), encoding: .utf8)
        #expect(run.output == text)
    }

    @Test("the help of the command lists every verb, and each verb has -h")
    func verbs() throws {
        let whole = try CommandRun(["--help"])
        for verb in ["run", "merge", "bench", "check", "doctor", "overhead", "tour"] {
            #expect(whole.output.contains("\n  \(verb) "))
            let help = try CommandRun([verb, "-h"])
            #expect(help.code == 0 && help.output.contains("OVERVIEW") && help.errors.isEmpty)
        }
        #expect(try CommandRun(["--version"]).output == "0.1.0\n")
        let unknown = try CommandRun(["rn"])
        #expect(unknown.code == 64 && unknown.output.isEmpty)
    }

    @Test("completion scripts know the verbs and their options", arguments: ["bash", "zsh", "fish"])
    func completions(_ shell: String) throws {
        let run = try CommandRun(["--generate-completion-script", shell])
        #expect(run.code == 0)
        for word in ["doctor", "fail-fast", "canary", "max-output", "merge", "shard"] {
            #expect(run.output.contains(word), "\(word)")
        }
        // If the shell is installed, it accepts the script.
        let path = ["/bin/", "/usr/bin/"].map { $0 + shell }.first { unsafe access($0, X_OK) == 0 }
        guard let path else { return }
        let check = try CommandRun(
            ["--generate-completion-script", shell], through: ["/bin/sh", "-c", "\"$0\" \"$@\" | \(path) -n"])
        #expect(check.code == 0 && check.errors.isEmpty, "\(check.errors)")
    }
}
#endif
