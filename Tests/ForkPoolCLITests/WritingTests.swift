// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Testing

@testable import ForkPoolCLI

@Suite("Numbers, lines and JSON without Foundation")
struct WritingTests {
    @Test("formats numbers with the given decimals")
    func decimals() {
        #expect(fixed(1.0304, 3) == "1.030")
        #expect(fixed(0.0996, 2) == "0.10")
        #expect(fixed(-2.5, 1) == "-2.5")
        #expect(fixed(-0.001, 1) == "0.0")
        #expect(fixed(12, 0) == "12")
        #expect(fixed(.infinity, 1) == "-")
        #expect(fixed(.nan, 1) == "-")
    }

    @Test("formats sizes in the largest fitting unit")
    func sizes() {
        #expect(
            [0, 1, 999, 1000, 999_949, 999_950, 1_500_000].map(byteSize)
                == ["0 bytes", "1 byte", "999 bytes", "1.0 kB", "999.9 kB", "1.0 MB", "1.5 MB"]
        )
        #expect(byteSize(Int.max) == "9223372.0 TB")
    }

    @Test("wraps between words; a long word has its own line")
    func wrapping() {
        #expect(wrapped("one two\nthree", width: 7) == "one two\nthree")
        #expect(wrapped("a verylongword b", width: 4) == "a\nverylongword\nb")
        #expect(wrapped("", width: 4) == "")
    }

    @Test("escapes control characters in names")
    func names() {
        #expect(printable("plain name") == "plain name")
        #expect(printable("a\u{1B}[31m\nb\u{9B}") == "a\\u{1b}[31m\\u{a}b\\u{9b}")
    }

    @Test("every scalar below 0x3000 survives a JSON string")
    func strings() throws {
        let scalars = (0..<0x3000).compactMap { Unicode.Scalar(UInt32($0)) }
        var string = "\u{1F600}\"\\/"
        string.unicodeScalars.append(contentsOf: scalars)
        let text = JSON.object([(string, .string(string))]).text
        let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: String]
        #expect(object?.values.first.map { Array($0.unicodeScalars) } == Array(string.unicodeScalars))
        #expect(object?.keys.first.map { Array($0.unicodeScalars) } == Array(string.unicodeScalars))
        #expect(!text.unicodeScalars.contains { $0.value == 0x1B || $0.value == 0x9B })
    }

    @Test("indents objects, and writes plain arrays on one line")
    func layout() {
        let json = JSON.object([
            ("none", .array([])), ("empty", .object([])), ("flat", .integers([1, -2])), ("no number", .number(.nan)),
            ("deep", .array([.object([("yes", .bool(true)), ("nothing", .null)])])), ("time", .seconds(1.0304999)),
        ])
        #expect(
            json.text == """
                {
                  "none": [],
                  "empty": {},
                  "flat": [1, -2],
                  "no number": null,
                  "deep": [
                    {
                      "yes": true,
                      "nothing": null
                    }
                  ],
                  "time": 1.0305
                }
                """
        )
    }

    @Test("the text on processors follows the measurement")
    func lesson() {
        #expect(ComputationChapter.lesson(1.02, 1).contains("1 processor (ForkPool.availableProcessors). So computing"))
        #expect(ComputationChapter.lesson(1.95, 2).contains("1.95 times as fast as one"))
        #expect(ComputationChapter.lesson(1.95, 2).contains("compute no faster"))
        #expect(ComputationChapter.lesson(1.1, 2).contains("It could be more"))
        #expect(ComputationChapter.lesson(9.1, 64).contains("compute no faster"))
    }
}
#endif
