// SPDX-License-Identifier: Apache-2.0
#if Command
import Glibc
import Testing

@testable import ForkPoolCLI

@Suite("A source of items")
struct ItemSourceTests {
    private func all(_ source: ItemSource) throws -> [[String]] {
        var items: [[String]] = []
        while true {
            while let item = source.take() { items.append(item.map { String(decoding: $0, as: UTF8.self) }) }
            if source.isWhole { return items }
            try source.read()
        }
    }

    private func read(_ text: String, separator: UInt8 = UInt8(ascii: "\n")) throws -> [String] {
        let folder = try ScratchFolder()
        let file = unsafe open(try folder.write(text, to: "items"), O_RDONLY)
        defer { close(file) }
        return try all(ItemSource(descriptor: file, separator: separator)).map { $0[0] }
    }

    @Test(
        "reads lines, also empty ones and a last one without newline",
        arguments: [
            ("", []), ("\n", [""]), ("a", ["a"]), ("a\n", ["a"]), ("a\n\nb", ["a", "", "b"]), (" a \t\n", [" a \t"]),
            ("it's \"so\" \\\n", ["it's \"so\" \\"]),
        ] as [(String, [String])])
    func lines(_ text: String, _ items: [String]) throws {
        #expect(try read(text) == items)
    }

    @Test("reads items that end with zero bytes, and may contain newlines")
    func zeroBytes() throws {
        #expect(try read("a\nb\0c\0", separator: 0) == ["a\nb", "c"])
    }

    @Test("joins the pieces of several reads")
    func pieces() throws {
        let long = String(repeating: "x", count: 200_000)
        #expect(try read("a\n\(long)\nb") == ["a", long, "b"])
    }

    @Test("makes every combination of lists; the last list changes fastest")
    func lists() throws {
        let lists = [["1", "2"], ["a", "b", "c"]].map { $0.map { Array($0.utf8) } }
        let source = ItemSource(lists: lists)
        #expect(source.found == 6)
        #expect(
            try all(source) == [["1", "a"], ["1", "b"], ["1", "c"], ["2", "a"], ["2", "b"], ["2", "c"]])
        #expect(source.isAtEnd)
        #expect(try all(ItemSource(lists: [[], [Array("a".utf8)]])).isEmpty)
    }

    @Test("frees items that were taken, and counts all")
    func many() throws {
        let count = 200_000
        let folder = try ScratchFolder()
        let text = (0..<count).map { "\($0)\n" }.joined()
        let file = unsafe open(try folder.write(text, to: "items"), O_RDONLY)
        defer { close(file) }
        let source = ItemSource(descriptor: file, separator: UInt8(ascii: "\n"))
        var number = 0
        while !source.isAtEnd {
            // It reads at most 65 536 items ahead.
            if source.awaited != nil { try source.read() }
            if let item = source.take() {
                #expect(item == [Array("\(number)".utf8)])
                number += 1
            }
        }
        #expect(number == count && source.found == count)
    }
}
#endif
