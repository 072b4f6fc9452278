// SPDX-License-Identifier: Apache-2.0
#if Command
import Testing

@testable import ForkPoolCLI

@Suite("The command of a job")
struct CommandTemplateTests {
    private func words(
        _ words: [String], _ values: [String], number: Int = 7, slot: Int = 2,
        _ reading: CommandTemplate.Reading = CommandTemplate.Reading()
    ) -> [String] {
        CommandTemplate(words.map { Array($0.utf8) }, reading)
            .words(values.map { Array($0.utf8) }, number: number, slot: slot)
            .map { String(decoding: $0, as: UTF8.self) }
    }

    @Test("appends the item if there is no placeholder")
    func appended() {
        #expect(words(["echo", "-n"], ["a b"]) == ["echo", "-n", "a b"])
        #expect(words(["echo"], ["a", "b"]) == ["echo", "a", "b"])
        #expect(words(["echo"], [""]) == ["echo", ""])
    }

    @Test(
        "replaces placeholders by the item and its parts",
        arguments: [
            ("{}", "/a/b.c/d.tar.gz"), ("{/}", "d.tar.gz"), ("{//}", "/a/b.c"), ("{.}", "/a/b.c/d.tar"),
            ("{/.}", "d.tar"), ("{#}", "7"), ("{%}", "2"), ("x{}y{#}", "x/a/b.c/d.tar.gzy7"), ("{1/}", "d.tar.gz"),
            ("{0}", "{0}"), ("{x}", "{x}"), ("{", "{"), ("}{", "}{"), ("{{}}", "{/a/b.c/d.tar.gz}"), ("{2#}", "{2#}"),
            ("\\{}", "{}"), ("\\{#}x{}", "{#}x/a/b.c/d.tar.gz"), ("a\\{1\\}", "a\\{1\\}"), ("\\d\\", "\\d\\"),
        ])
    func parts(_ word: String, _ expected: String) {
        // The {} prevents that the item is appended.
        #expect(words(["p", word, "{}"], ["/a/b.c/d.tar.gz"]) == ["p", expected, "/a/b.c/d.tar.gz"])
    }

    @Test("keeps paths that lack the part")
    func plain() {
        #expect(words(["{/}", "{//}", "{.}", "{/.}"], ["name"]) == ["name", ".", "name", "name"])
        #expect(words(["{/}", "{//}", "{.}", "{/.}"], [".hidden"]) == [".hidden", ".", ".hidden", ".hidden"])
        #expect(words(["{/}", "{//}", "{.}"], ["/x"]) == ["x", "/", "/x"])
        #expect(words(["{.}"], ["a.b/c"]) == ["a.b/c"])
        #expect(words(["{/}"], ["a/"]) == [""])
    }

    @Test("replaces numbers by the values of lists, and {} by all of them with spaces between")
    func lists() {
        #expect(words(["p", "{2}", "{1.}", "{}"], ["x.y", "z"]) == ["p", "z", "x", "x.y z"])
        #expect(CommandTemplate([Array("{3} {1}".utf8)]).highestValue == 3)
        #expect(CommandTemplate([Array("{} {#}".utf8)]).highestValue == 0)
    }

    @Test("keeps bytes that are not UTF-8, and braces in a script")
    func bytes() {
        let template = CommandTemplate([[0x70], [0xFF, UInt8(ascii: "{"), UInt8(ascii: "}")]])
        #expect(template.words([[0xC3, 0x28]], number: 1, slot: 1) == [[0x70], [0xFF, 0xC3, 0x28]])
        let script = CommandTemplate([Array("echo {}".utf8)], CommandTemplate.Reading(isLiteral: true))
        #expect(script.words([[0x61]], number: 1, slot: 1) == [Array("echo {}".utf8), [0x61]])
    }

    @Test("makes a word of each item of a batch, with the text around it")
    func batches() {
        let batch = CommandTemplate.Reading(isBatch: true)
        #expect(words(["p"], ["a", "b"], batch) == ["p", "a", "b"])
        #expect(words(["p", "-f{}", "{/.}", "x"], ["d/a.c", "b"], batch) == ["p", "-fd/a.c", "-fb", "a", "b", "x"])
        #expect(words(["p", "{2}-{1}"], ["a", "b"], batch) == ["p", "b-a"])
        // The last batch may be shorter.
        #expect(words(["p", "{2}-{1}"], ["a"], batch) == ["p", "-a"])
    }

    @Test("reads another text for the item, and names of columns")
    func readings() {
        let other = CommandTemplate.Reading(replacement: Array("@@".utf8))
        #expect(words(["p", "@@{}@", "{1}"], ["x"], other) == ["p", "x{}@", "{1}"])
        let names = CommandTemplate.Reading(names: ["name", "size"].map { Array($0.utf8) })
        #expect(words(["p", "{size}/{name/}", "{2}{other}"], ["a/b", "3"], names) == ["p", "3/b", "3{other}"])
        #expect(words(["p", "{3}"], ["a", "b"]) == ["p", ""])
    }

    @Test("knows the program only if it is the same for every job")
    func program() {
        #expect(CommandTemplate([Array("ls".utf8), Array("{}".utf8)]).program == Array("ls".utf8))
        #expect(CommandTemplate([Array("{}".utf8)]).program == nil)
    }
}
#endif
