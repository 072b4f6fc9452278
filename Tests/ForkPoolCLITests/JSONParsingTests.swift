// SPDX-License-Identifier: Apache-2.0
#if Command
import Testing

@testable import ForkPoolCLI

@Suite("Parsing JSON")
struct JSONParsingTests {
    private func parse(_ text: String) throws -> JSON { try JSON.parse(Array(text.utf8)) }

    @Test("reads back what it wrote")
    func roundTrip() throws {
        let json = JSON.object([
            ("none", .array([])), ("empty", .object([])),
            ("numbers", .array([.integer(-7), .number(1.5), .number(1e-9)])),
            ("text", .string("a\"\\/\n\t\u{1}\u{7F}é\u{1F600}")), ("yes", .bool(true)), ("no", .bool(false)),
            ("nil", .null),
        ])
        #expect(try parse(json.text).text == json.text)
    }

    @Test("accessors return nil for values of another kind")
    func accessors() throws {
        let json = try parse(#" {"a": [1, 2.5, 3.0, "s", true, null], "a b": {"c": "d"}, "twice": 1, "twice": 2} "#)
        let values = try #require(json["a"]?.array)
        #expect(values.map(\.integer) == [1, nil, 3, nil, nil, nil])
        #expect(values.map(\.number) == [1, 2.5, 3, nil, nil, nil])
        #expect(values.map(\.string) == [nil, nil, nil, "s", nil, nil])
        #expect(values.map(\.bool) == [nil, nil, nil, nil, true, nil])
        #expect(json["a b"]?["c"]?.string == "d")
        #expect(json["twice"]?.integer == 2)
        #expect(json["none"] == nil)
        #expect(json.array == nil && json.string == nil && json.bytes == nil)
        #expect(values[0]["a"] == nil)
    }

    @Test("whole numbers that fit in an Int are integers")
    func numbers() throws {
        #expect(try parse("9223372036854775807").integer == Int.max)
        #expect(try parse("9223372036854775808").number == 9.223372036854775808e18)
        #expect(try parse("-0").integer == 0)
        #expect(try parse("1E+2").number == 100)
        #expect(try parse("-1.25e-2").number == -0.0125)
    }

    @Test("reads escapes, and surrogate pairs as one character")
    func escapes() throws {
        #expect(try parse(#""\"\\\/\b\f\n\r\tA\u00e9\uD83D\ude00""#).string == "\"\\/\u{8}\u{C}\n\r\tAé\u{1F600}")
        #expect(try parse(#""\u0000""#).string == "\0")
    }

    @Test("keeps bytes that are not UTF-8, as Python's surrogateescape does")
    func bytes() throws {
        let bytes: [UInt8] = Array("a".utf8) + [0xFF, 0xC3] + Array("é".utf8) + [0x80]
        let text = JSON.bytes(bytes).text
        #expect(text == #""a\udcff\udcc3é\udc80""#)
        let read = try parse(text)
        #expect(read.bytes == bytes)
        #expect(read.string == nil)
        #expect(JSON.bytes(Array("é\n".utf8)).text == #""é\n""#)
        #expect(try parse(#""é""#).bytes == [0xC3, 0xA9])
        // Each byte alone.
        for byte in UInt8.min...UInt8.max {
            #expect(try parse(JSON.bytes([byte]).text).bytes == [byte])
        }
    }

    @Test(
        "refuses text that is not JSON",
        arguments: [
            "", " ", "{", "[", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}",
            "{1:2}",
            "{\"a\":1 \"b\":2}", "\"", "\"a", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\u+123\"",
            "\"\\ud83d\"",
            "\"\\ud83d\\u0041\"", "\"\\ud83dx\"", "\"\\udc7f\"", "\"\\udd00\"", "\"\n\"", "nul", "nulll", "tru",
            "False", "01",
            "-", "-a", "+1", "1.", ".5", "1e", "1e+", "1e999", "0x1", "NaN", "Infinity", "1 2", "[] []", "'a'",
            "// c\n1",
            "\u{FEFF}1", "{\"\\udc80\":1}",
        ])
    func malformed(_ text: String) {
        #expect(throws: JSON.Malformed.self) { try parse(text) }
    }

    @Test("refuses bytes that are not UTF-8, and names the position of an error")
    func invalid() throws {
        for bytes: [UInt8] in [
            [0xFF], [0xC3], [0xC3, 0x22], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0x80], [0xF8, 0x88, 0x80, 0x80],
        ] {
            #expect(throws: JSON.Malformed.self) { try JSON.parse([0x22] + bytes + [0x22]) }
        }
        do throws(JSON.Malformed) {
            _ = try JSON.parse(Array("[1, x]".utf8))
            Issue.record("it was read")
        } catch {
            #expect(error.description == "not JSON: expected a value at byte 4")
        }
    }

    @Test("refuses nesting that would overflow the stack")
    func depth() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(try parse(nested(JSON.maxDepth)).array?.count == 1)
        #expect(throws: JSON.Malformed.self) { try parse(nested(JSON.maxDepth + 2)) }
        #expect(throws: JSON.Malformed.self) { try parse(nested(1_000_000)) }
        #expect(throws: JSON.Malformed.self) { try parse(String(repeating: "{\"a\":", count: 1_000_000)) }
    }

    @Test("refuses a document that is cut anywhere")
    func cut() throws {
        let text = Array(#"{"a": [1, -2.5e3, "x\u00e9\udc80é"], "b": {"c": true, "d": null}}"#.utf8)
        for length in 0..<text.count {
            #expect(throws: JSON.Malformed.self) { try JSON.parse(Array(text[..<length])) }
        }
        #expect(try JSON.parse(text)["b"]?["c"]?.bool == true)
    }
}
#endif
