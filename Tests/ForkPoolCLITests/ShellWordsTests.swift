// SPDX-License-Identifier: Apache-2.0
#if Command
import Testing

@testable import ForkPoolCLI

@Suite("Command lines that are split without a shell")
struct ShellWordsTests {
    // The words of dash 0.5.12: printf '[%s]\n' LINE
    @Test(
        "are split as a shell does",
        arguments: [
            ("true", ["true"]), ("  a  b\tc ", ["a", "b", "c"]), ("a 'b c' d", ["a", "b c", "d"]),
            (#"a "b c" d"#, ["a", "b c", "d"]), (#"a b\ c"#, ["a", "b c"]), ("a ''", ["a", ""]), (#"a """#, ["a", ""]),
            (#"a'b'"c"d"#, ["abcd"]), (#"a "x\"y\\z\w""#, ["a", #"x"y\z\w"#]), (#"a '\'"#, ["a", #"\"#]),
            (#"a \| \$x '|' "&" '$y'"#, ["a", "|", "$x", "|", "&", "$y"]), ("a\\\nb", ["ab"]),
            ("a \"b\\\nc\"", ["a", "bc"]),
            ("a b#c d~", ["a", "b#c", "d~"]), ("a x=1", ["a", "x=1"]), ("./a=b/c", ["./a=b/c"]),
            ("a {b} !", ["a", "{b}", "!"]),
            ("é 'ü'", ["é", "ü"]), ("true\n", ["true"]), ("a \\", ["a", "\\"]), ("1=2", ["1=2"]), ("a ]", ["a", "]"]),
            (#""$""#.replacing("$", with: "x"), ["x"]),
        ])
    func words(_ line: String, _ words: [String]) throws {
        #expect(try ShellWords.split(line) == words)
    }

    @Test(
        "are refused if they need a shell",
        arguments: [
            ("a | b", "|"), ("a && b", "&"), ("a; b", ";"), ("a < b", "<"), ("a >b", ">"), ("(a)", "("), ("a $b", "$"),
            ("a \"$b\"", "$"), ("a `b`", "`"), ("a \"`b`\"", "`"), ("a *", "*"), ("a b?", "?"), ("a [b]", "["),
            ("a ~", "~"), ("~/a", "~"), ("a # b", "#"), ("B=1 a", "="), ("_b2=c a", "="), ("a\nb", "\n"), ("! a", "!"),
        ] as [(String, Character)])
    func refused(_ line: String, _ character: Character) {
        #expect(throws: ShellWords.SplitError.needsShell(character)) { try ShellWords.split(line) }
    }

    @Test("are refused if they are incomplete")
    func incomplete() {
        #expect(throws: ShellWords.SplitError.open("'")) { try ShellWords.split("a 'b") }
        #expect(throws: ShellWords.SplitError.open("\"")) { try ShellWords.split("a \"b\\\"") }
        #expect(throws: ShellWords.SplitError.empty) { try ShellWords.split(" \n ") }
        #expect(throws: ShellWords.SplitError.empty) { try ShellWords.split("") }
    }

    @Test("words quoted for a shell are split into the same words")
    func joined() throws {
        let words = ["a", "", "b c", "it's", "$x", "\"", "\\", "*", "é", "-x=y", "~", "a{b}"]
        #expect(try ShellWords.split(quotedForShell(words.map { Array($0.utf8) })) == words)
    }
}
#endif
