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
        var lists = ItemLists()
        for list in [["1", "2"], ["a", "b", "c"]] { lists.add(list.map { Array($0.utf8) }) }
        let source = ItemSource(lists: lists)
        #expect(source.total == 6)
        #expect(
            try all(source) == [["1", "a"], ["1", "b"], ["1", "c"], ["2", "a"], ["2", "b"], ["2", "c"]])
        #expect(source.isAtEnd)
        var none = ItemLists()
        none.add([])
        none.add([Array("a".utf8)])
        #expect(try all(ItemSource(lists: none)).isEmpty)
    }

    @Test("links lists of one length")
    func linked() throws {
        var lists = ItemLists()
        lists.add([Array("1".utf8), Array("2".utf8)])
        let isLinked = lists.link([Array("a".utf8), Array("b".utf8)])
        lists.add([Array("x".utf8), Array("y".utf8)])
        #expect(
            try all(ItemSource(lists: lists)) == [
                ["1", "a", "x"], ["1", "a", "y"], ["2", "b", "x"], ["2", "b", "y"],
            ])
        #expect(isLinked && lists.count == 3 && lists.combinations == 4)
        let isRefused = !lists.link([Array("a".utf8)])
        #expect(isRefused)
    }

    @Test("gives each job a number of items, or as many as fit and the rest evenly")
    func batches() throws {
        func sizes(_ count: Int, _ batch: ItemBatch) throws -> [Int] {
            let folder = try ScratchFolder()
            let file = unsafe open(try folder.write((0..<count).map { "\($0 % 10)\n" }.joined(), to: "items"), O_RDONLY)
            defer { close(file) }
            let read = try all(ItemSource(descriptor: file, separator: UInt8(ascii: "\n"), batch: batch))
            #expect(read.joined().elementsEqual((0..<count).map { "\($0 % 10)" }))
            var lists = ItemLists()
            lists.add((0..<count).map { Array("\($0 % 10)".utf8) })
            // The items of a list make the same batches.
            #expect(try all(ItemSource(lists: lists, batch: batch)) == read)
            return read.map(\.count)
        }
        #expect(try sizes(7, ItemBatch(count: 3)) == [3, 3, 1])
        #expect(try sizes(0, ItemBatch(count: 3)).isEmpty)
        // Each item takes 10 bytes.
        #expect(try sizes(7, ItemBatch(count: 3, bytes: 25)) == [2, 2, 2, 1])
        #expect(try sizes(3, ItemBatch(count: 3, bytes: 1)) == [1, 1, 1])
        #expect(try sizes(20, ItemBatch(jobs: 2)) == [10, 10])
        #expect(try sizes(5, ItemBatch(jobs: 4)) == [1, 1, 1, 2])
        #expect(try sizes(2, ItemBatch(jobs: 4)) == [1, 1])
        #expect(try sizes(100, ItemBatch(bytes: 100, jobs: 2)) == Array(repeating: 10, count: 10))
        #expect(try sizes(35, ItemBatch(bytes: 100, jobs: 2)) == [10, 10, 7, 8])
        #expect(try sizes(100_000, ItemBatch(bytes: 1 << 20, jobs: 1)) == [100_000])
        #expect(try sizes(70_000, ItemBatch(count: 70_000, bytes: 1 << 20)) == [70_000])
    }

    @Test("knows how many jobs batches make, but not where long items may make more")
    func totals() {
        func source(_ items: [String], _ batch: ItemBatch) -> ItemSource {
            var lists = ItemLists()
            lists.add(items.map { Array($0.utf8) })
            return ItemSource(lists: lists, batch: batch)
        }
        let short = Array(repeating: "x", count: 7)
        let long = String(repeating: "x", count: 91)
        // Each short item takes 10 bytes, and the long one 100.
        #expect(source(short, ItemBatch(count: 3)).total == 3)
        #expect(source(short, ItemBatch(count: 2, bytes: 20)).total == 4)
        // The bytes of so many items cannot be counted.
        #expect(source(short, ItemBatch(count: 1 << 62)).total == 1)
        #expect(source(short, ItemBatch(count: 1 << 62, bytes: 69)).total == nil)
        // All fit together.
        #expect(source([long] + short, ItemBatch(count: 8, bytes: 170)).total == 1)
        #expect(source([long] + short, ItemBatch(count: 8, bytes: 169)).total == nil)
        let several = source(short, ItemBatch(count: 3, bytes: 25))
        #expect(several.total == nil)
        while several.take() != nil {}
        #expect(several.total == 4 && several.isAtEnd)
        #expect(source(short, ItemBatch(count: 2, bytes: 25)).total == 4)
        #expect(source(short, ItemBatch(count: .max, bytes: 1000)).total == 1)
    }

    @Test("divides lines into columns")
    func columns() {
        func columns(_ line: String, by text: String?) -> [String] {
            ColumnSeparator(text: text.map { Array($0.utf8) }).values(of: Array(line.utf8)).map {
                String(decoding: $0, as: UTF8.self)
            }
        }
        #expect(columns("a,b,,c", by: ",") == ["a", "b", "", "c"])
        #expect(columns("a::b:c::", by: "::") == ["a", "b:c", ""])
        #expect(columns("  a \t b ", by: nil) == ["a", "b"] && columns(" ", by: nil) == [""])
        #expect(columns("", by: ",") == [""])
    }

    @Test("makes blocks of whole records")
    func records() throws {
        func blocks(_ text: String, _ block: Int) throws -> [String] {
            let folder = try ScratchFolder()
            let file = unsafe open(try folder.write(text, to: "records"), O_RDONLY)
            defer { close(file) }
            let source = RecordSource(descriptor: file, separator: UInt8(ascii: "\n"), block: block)
            var blocks: [String] = []
            while !source.isAtEnd {
                while let job = source.takeJob() { blocks.append(String(decoding: job.records ?? [], as: UTF8.self)) }
                if source.awaited != nil { try source.read() }
            }
            #expect(source.total == blocks.count)
            return blocks
        }
        #expect(try blocks("a\nbb\nccc\n", 5) == ["a\nbb\n", "ccc\n"])
        #expect(try blocks("a\nbb\nccc", 1) == ["a\n", "bb\n", "ccc"])
        #expect(try blocks("", 5).isEmpty && blocks("abcdefgh", 5) == ["abcdefgh"])
        let lines = (0..<100_000).map { "\($0)\n" }.joined()
        let parts = try blocks(lines, 200_000)
        #expect(parts.joined() == lines && parts.allSatisfy { $0.hasSuffix("\n") && $0.utf8.count <= 200_000 })
        #expect(parts.count == 3)
    }

    @Test("searches each byte of a long record once, however many reads it takes", arguments: [5, 1 << 16, 1 << 20])
    func longRecords(_ block: Int) throws {
        let long = String(repeating: "x", count: 4_000_000)
        for (text, count) in [(long, 1), (long + "\n", 1), ("a\n" + long + "\nb", 3), (long + "\n" + long, 2)] {
            let folder = try ScratchFolder()
            let file = unsafe open(try folder.write(text, to: "records"), O_RDONLY)
            defer { close(file) }
            let source = RecordSource(descriptor: file, separator: UInt8(ascii: "\n"), block: block)
            var records: [UInt8] = []
            while !source.isAtEnd {
                while let job = source.takeJob() { records += job.records ?? [] }
                if source.awaited != nil { try source.read() }
            }
            #expect(records == Array(text.utf8) && source.number <= count)
            // And a block of the one before it.
            #expect(source.searchedInAll <= text.utf8.count + count * block, "\(source.searchedInAll)")
        }
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
