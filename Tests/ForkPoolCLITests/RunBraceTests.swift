// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Testing

@Suite("forkpool run: braces that may mean something else")
struct RunBraceTests {
    /// Runs with a text as a file of items.
    private func run(_ arguments: [String], lines: String) throws -> CommandRun {
        let folder = try ScratchFolder()
        try folder.write(lines, to: "items")
        return try CommandRun(
            ["run", "-a", "items"] + arguments,
            through: ["/bin/sh", "-c", "cd '\(folder.path)' && exec \"$0\" \"$@\""])
    }

    private func refused(_ run: CommandRun, _ words: String, _ location: SourceLocation = #_sourceLocation) {
        #expect(run.code == 64 && run.output.isEmpty, sourceLocation: location)
        #expect(run.errors.contains(words), "\(run.errors)", sourceLocation: location)
    }

    @Test("{1} within a word needs several lists or columns", arguments: ["a{1}", "s/x{1}/y/", "{1}.bak", "^[ab]{1}$"])
    func numbers(_ word: String) throws {
        refused(
            try CommandRun(["run", "echo", word, ":::", "i"]),
            "{1} in \(word) stands for the item; \\{1} is the text itself, {} the item.")
        func filled(_ item: String) -> String { word.replacing("{1}", with: item) + "\n" }
        #expect(
            try CommandRun(["run", "echo", word.replacing("{", with: "\\{"), "{1}", ":::", "i"]).output
                == "\(word) i\n")
        #expect(try CommandRun(["run", "echo", word, ":::", "i", ":::", "j"]).output == filled("i"))
        #expect(try CommandRun(["run", "-n2", "echo", word, ":::", "i", "j"]).output == filled("i"))
        #expect(try run(["--colsep", ",", "echo", word], lines: "i,j\n").output == filled("i"))
    }

    @Test(
        "a script says what to type for a placeholder of a command",
        arguments: [
            ("echo {1}", "type \"$1\" for {1}."), ("echo {#} \"$1\"", "type \"$FORKPOOL_NUMBER\" for {#}."),
            ("echo \"$1\" {%}", "type \"$FORKPOOL_PLACE\" for {%}."), ("echo {/}", "type \"${1##*/}\" for {/}."),
            ("echo {.}", "type \"${1%.*}\" for {.}."), ("cat {//}/x", "type \"$(dirname \"$1\")\" for {//}."),
            ("echo {}", "the item is \"$1\", not {}."),
        ])
    func scripts(_ script: String, _ words: String) throws {
        refused(try CommandRun(["run", "--sh", script, ":::", "i"]), words)
        refused(try CommandRun(["run", "--pipe", "--sh", "cat {}"]), "--pipe has no item for {}: the script reads")
    }

    @Test(
        "a script keeps the braces that are its own",
        arguments: [
            ("find . -maxdepth 0 -exec echo {} +", ".\n"), ("find . -maxdepth 0 -exec echo {} \\;", ".\n"),
            ("echo a | xargs -I{} echo {}b", "ab\n"), ("echo aa | grep -cE 'a{1}' - ; : $1", "1\n"),
            ("echo ${#} ${1}", "1 i\n"), ("f() { echo x; }; f", "x\n"), ("echo '\\{#}'", "\\{#}\n"),
        ])
    func scriptBraces(_ script: String, _ output: String) throws {
        let run = try CommandRun(["run", "--sh", script, ":::", "i"])
        #expect(run.output == output && run.code == 0, "\(run.errors)")
    }

    @Test("with -I the braces of a script are text, and the text of -I is not the item")
    func scriptsWithText() throws {
        let script = "echo aa | grep -cE 'a{2}'; echo {#} {}"
        #expect(try CommandRun(["run", "-I", "@", "--sh", script, ":::", "i"]).output == "1\n{#} {}\n")
        #expect(try CommandRun(["run", "-I@", "--sh", "echo $1@x", ":::", "i"]).output == "i@x\n")
        refused(try CommandRun(["run", "-I", "@", "--sh", "echo @", ":::", "i"]), "the item is \"$1\", not @.")
    }

    @Test("the header is no job, and its names are checked")
    func header() throws {
        let lines = "name,size\nx/y.c,3\nz,4\n"
        let options = ["--header", "--colsep", ","]
        #expect(
            try run(options + ["echo", "{#}", "{size}", "{name/.}"], lines: lines).output == "1 3 y\n2 4 z\n")
        refused(
            try run(options + ["echo", "{nmae}"], lines: lines),
            "items has no column nmae: its first line has name, size; \\{nmae} is the text itself.")
        refused(try run(options + ["echo", "x{Size/}"], lines: lines), "items has no column Size")
        refused(try run(options + ["--input", "{file}", "cat"], lines: lines), "items has no column file")
        refused(try run(options + ["--sh", "echo {size}"], lines: lines), "type \"${2}\" for {size}.")
        refused(
            try run(options + ["echo", "{a}{b}"], lines: "a,b,a\n1,2,3\n"),
            "items has 2 columns a: type a number, such as {3}.")
        #expect(try run(options + ["echo", "{3}{b}"], lines: "a,b,a\n1,2,3\n").output == "32\n")
        refused(
            try run(options + ["echo", "{size}"], lines: lines.replacing("\n", with: "\r\n")),
            "the lines of items end with CR and LF: remove the CR first, such as by tr -d '\\r'.")
        let braces = try run(options + ["echo", "\\{nmae}", "{a,b}", "{$1}", "${x}", "{size}"], lines: lines)
        #expect(braces.output == "{nmae} {a,b} {$1} ${x} 3\n{nmae} {a,b} {$1} ${x} 4\n", "\(braces.errors)")
        // A file of --input may have the name of a column.
        let missing = try run(options + ["--input", "no-{size}", "cat"], lines: lines)
        #expect(missing.errors.contains("open no-3: No such file"), "\(missing.errors)")
        #expect(try run(options + ["echo", "{size}"], lines: "").code == 0)
    }

    @Test("lines that end with CR and LF are refused before any job, also without a header", arguments: [",", ""])
    func lineEnds(_ separator: String) throws {
        let options = ["--colsep", separator, "echo", "{2}"]
        for more in [[], ["--dry-run"]] {
            refused(
                try run(more + options, lines: "a,b c\r\nd,e f\r\n"),
                "the lines of items end with CR and LF: remove the CR first, such as by tr -d '\\r'.")
        }
        // A CR within a line, and one before a zero byte, belong to the item.
        #expect(try run(options, lines: "a,b\r b\n").code == 0)
        let zero = try run(["-0"] + options, lines: "a,b c\r\0")
        #expect(zero.code == 0 && zero.output.hasSuffix("c\r\n"), "\(zero.errors)")
    }

    @Test("an item that lacks a column is a failed job, which names it", arguments: ["{2}", "{2/}", "x{2}y"])
    func columns(_ word: String) throws {
        let lines = "a,b\nc\nd,e\n"
        for more in [[], ["--input", "/dev/null"]] {
            let run = try run(["--colsep", ","] + more + ["echo", word], lines: lines)
            #expect(
                run.output
                    == ["b", "e"].map { word.replacing("{2/}", with: "{2}").replacing("{2}", with: $0) + "\n" }.joined()
            )
            #expect(run.code == 126)
            #expect(run.errors == "forkpool: job 2 (c): its item has only 1 column, and none for {2}\n")
        }
        let dry = try run(["--dry-run", "--colsep", ",", "echo", word], lines: lines)
        #expect(dry.code == 126 && dry.errors == "forkpool: job 2: its item has only 1 column, and none for {2}\n")
        let named = try run(["--header", "--colsep", ",", "echo", "{b}"], lines: lines)
        #expect(named.output == "e\n" && named.code == 126)
        #expect(named.errors == "forkpool: job 1 (c): its item has only 1 column, and none for {b}\n")
        let input = try run(["--colsep", ",", "--input", word, "cat"], lines: "c\n")
        #expect(input.code == 126 && input.errors.contains("only 1 column"), "\(input.errors)")
    }

    @Test("FORKPOOL_ITEM is the first item of several", arguments: [["-n2"], ["-X", "-j1"]])
    func environment(_ options: [String]) throws {
        let run = try CommandRun(["run"] + options + ["--sh", "echo \"$FORKPOOL_ITEM:$2\"", ":::", "a b", "c"])
        #expect(run.output == "a b:c\n" && run.code == 0, "\(run.errors)")
    }
}
#endif
