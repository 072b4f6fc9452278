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
        let run = try CommandRun(["help", verb])
        #expect(run.code == 0 && run.errors.isEmpty)
        let text = try String(contentsOf: Self.folder.appendingPathComponent("\(verb).txt"), encoding: .utf8)
        #expect(run.output == text)
    }

    @Test(
        "--help is short: what a verb does, its usage, and a line for each option",
        arguments: ["run", "bench", "check", "doctor", "overhead", "tour"])
    func short(_ verb: String) throws {
        let whole = try CommandRun(["help", verb]).output.split(separator: "\n", omittingEmptySubsequences: false)
        for option in ["-h", "--help"] {
            let run = try CommandRun([verb, option])
            #expect(run.code == 0 && run.errors.isEmpty)
            let lines = run.output.split(separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.first == whole.first && lines.contains { $0.hasPrefix("USAGE: forkpool \(verb)") })
            #expect(
                run.output.hasSuffix(
                    "\nforkpool help \(verb) tells more: examples, exit codes, every option in full.\n"))
            // A line that is cut ends with a word.
            #expect(!lines.contains { $0.hasSuffix("…") && !$0.hasSuffix(" …") })
            #expect(!run.output.contains("EXIT CODES") && lines.allSatisfy { $0.count <= 80 || $0.hasPrefix("USAGE") })
            // Every option of the whole help has one line.
            let names = whole.filter { $0.hasPrefix("  -") }.map { $0.dropFirst(2).prefix { $0 != " " && $0 != "," } }
            for name in names where name != "--version" {
                #expect(lines.contains { $0.hasPrefix("  \(name)") }, "\(name)")
            }
            #expect(lines.count <= whole.count)
        }
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
        #expect(
            unknown.errors
                == "forkpool: there is no verb rn; the verbs are tour, run, merge, bench, check, doctor, overhead\n")
    }

    @Test("completion scripts know the verbs and their options", arguments: ["bash", "zsh", "fish"])
    func completions(_ shell: String) throws {
        let run = try CommandRun(["--generate-completion-script", shell])
        #expect(run.code == 0)
        for word in ["doctor", "fail-fast", "canary", "max-output", "merge", "shard"] {
            #expect(run.output.contains(word), "\(word)")
        }
        #expect(!run.output.contains("complete -c 'forkpool' -f\n"))
        // If the shell is installed, it accepts the script.
        let path = ["/bin/", "/usr/bin/"].map { $0 + shell }.first { unsafe access($0, X_OK) == 0 }
        guard let path else { return }
        let check = try CommandRun(
            ["--generate-completion-script", shell], through: ["/bin/sh", "-c", "\"$0\" \"$@\" | \(path) -n"])
        #expect(check.code == 0 && check.errors.isEmpty, "\(check.errors)")
    }

    @Test("zsh and fish complete verbs after help, and commands after run")
    func otherShells() throws {
        let zsh = try CommandRun(["--generate-completion-script", "zsh"]).output
        #expect(zsh.contains("'1:verb:(tour run merge bench check doctor overhead)'"))
        #expect(zsh.components(separatedBy: "'*::command:_normal'").count == 2 && zsh.contains("{-j+,--jobs}"))
        let fish = try CommandRun(["--generate-completion-script", "fish"]).output
        for end in ["help\" -eq 1' -fa 'tour run", "run\" -eq 1' -fa '(__fish_complete_command)'"] {
            #expect(fish.contains("_for_positional \"forkpool \(end)"))
        }
    }

    @Test("bash completes the names of files after a verb's command, and options before it")
    func bash() throws {
        let scratch = try ScratchFolder()
        try scratch.write("", to: "picture.png")
        func completed(_ words: [String]) throws -> [Substring] {
            let script = """
                cd \(scratch.path); source <("$0" --generate-completion-script bash)
                COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
                _forkpool forkpool "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
                printf '%s\\n' "${COMPREPLY[@]}"; complete -p forkpool
                """
            let run = try CommandRun(words, through: ["/bin/bash", "-c", script])
            #expect(run.code == 0 && run.errors.isEmpty, "\(run.errors)")
            #expect(run.output.contains("-o default"))
            return run.output.split(separator: "\n").dropLast()
        }
        #expect(try completed(["forkpool", "run", "gzip", "pic"]) == ["picture.png"])
        #expect(try completed(["forkpool", "run", "-a", "pic"]) == ["picture.png"])
        #expect(try completed(["forkpool", "run", "--", "gzip", "pic"]) == ["picture.png"])
        #expect(try completed(["forkpool", "run", "--memf"]) == ["--memfree"])
        #expect(try completed(["forkpool", "help", "do"]) == ["doctor"])
        #expect(
            try completed(["forkpool", "help", ""]) == ["tour", "run", "merge", "bench", "check", "doctor", "overhead"])
        #expect(try completed(["forkpool", "help", "run", ""]).isEmpty)
        for words in [["gzi"], ["-j4", "gzi"], ["-j", "4", "gzi"], ["--", "gzi"]] {
            #expect(try completed(["forkpool", "run"] + words).contains("gzip"), "\(words)")
        }
        #expect(try completed(["forkpool", "run", "--fail-fast", "n"]) == ["now"])
    }
}
#endif
