// SPDX-License-Identifier: Apache-2.0
#if Command
extension JSON {
    /// A syntax error in JSON.
    struct Malformed: Error, CustomStringConvertible {
        /// The position of the error, in bytes from 0.
        let offset: Int
        let reason: String

        var description: String { "not JSON: \(reason) at byte \(offset)" }
    }

    /// The deepest nesting of arrays and objects.
    static let maxDepth = 100

    /// Parses a document strictly according to RFC 8259.
    ///
    /// - Parameter bytes: The document, in UTF-8; may have spaces around it.
    /// - Returns: The value. A number without point and exponent that fits in an `Int` is an `integer`; a string with
    ///   escaped bytes (`\udc80` to `\udcff`, as in Python's surrogateescape) is `bytes`.
    /// - Throws: `Malformed`.
    static func parse(_ bytes: [UInt8]) throws(Malformed) -> JSON {
        var parser = JSONParser(bytes)
        return try parser.document()
    }
}

/// A recursive descent parser for JSON.
private struct JSONParser {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func document() throws(JSON.Malformed) -> JSON {
        let value = try value(depth: 0)
        guard next == nil else { throw malformed("expected the end of the text") }
        return value
    }

    /// The next byte after spaces; nil at the end.
    private var next: UInt8? {
        mutating get {
            while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
            return position < bytes.count ? bytes[position] : nil
        }
    }

    private func malformed(_ reason: String) -> JSON.Malformed {
        JSON.Malformed(offset: position, reason: reason)
    }

    private mutating func value(depth: Int) throws(JSON.Malformed) -> JSON {
        guard depth <= JSON.maxDepth else { throw malformed("more than \(JSON.maxDepth) levels") }
        guard let first = next else { throw malformed("expected a value, found the end of the text") }
        switch first {
        case UInt8(ascii: "{"): return .object(try object(depth))
        case UInt8(ascii: "["): return .array(try array(depth))
        case UInt8(ascii: "\""): return try string()
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw malformed("expected a value")
        }
    }

    private mutating func word(_ word: StaticString, _ value: JSON) throws(JSON.Malformed) -> JSON {
        guard bytes[position...].starts(with: "\(word)".utf8) else { throw malformed("expected a value") }
        position += word.utf8CodeUnitCount
        return value
    }

    private mutating func array(_ depth: Int) throws(JSON.Malformed) -> [JSON] {
        position += 1
        var elements: [JSON] = []
        if take("]") { return [] }
        repeat { elements.append(try value(depth: depth + 1)) } while take(",")
        guard take("]") else { throw malformed("expected ',' or ']'") }
        return elements
    }

    private mutating func object(_ depth: Int) throws(JSON.Malformed) -> [(String, JSON)] {
        position += 1
        var members: [(String, JSON)] = []
        if take("}") { return [] }
        repeat {
            guard next == UInt8(ascii: "\""), let name = try string().string else {
                throw malformed("expected a name in quotes")
            }
            guard take(":") else { throw malformed("expected ':' after a name") }
            members.append((name, try value(depth: depth + 1)))
        } while take(",")
        guard take("}") else { throw malformed("expected ',' or '}'") }
        return members
    }

    /// Skips a character if it comes next, and returns whether it did.
    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func number() throws(JSON.Malformed) -> JSON {
        let start = position
        if bytes[position] == UInt8(ascii: "-") { position += 1 }
        let whole = digits()
        var isWhole = true
        guard whole == 1 || whole > 1 && bytes[position - whole] != UInt8(ascii: "0") else {
            throw malformed("expected a number")
        }
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            position += 1
            isWhole = false
            guard digits() > 0 else { throw malformed("expected a digit after the point") }
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            isWhole = false
            if position < bytes.count, [UInt8(ascii: "+"), UInt8(ascii: "-")].contains(bytes[position]) {
                position += 1
            }
            guard digits() > 0 else { throw malformed("expected a digit in the exponent") }
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isWhole, let integer = Int(text) { return .integer(integer) }
        guard let number = Double(text), number.isFinite else { throw malformed("the number is too large") }
        return .number(number)
    }

    /// Skips digits, and returns how many.
    private mutating func digits() -> Int {
        let start = position
        while position < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position]) {
            position += 1
        }
        return position - start
    }

    private mutating func string() throws(JSON.Malformed) -> JSON {
        position += 1
        var content: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                // Only escaped bytes can make it invalid UTF-8: the others were checked.
                return String(validating: content, as: UTF8.self).map { .string($0) } ?? .bytes(content)
            case UInt8(ascii: "\\"):
                position += 1
                content += try escape()
            case 0..<0x20: throw malformed("found a control character in a string")
            case 0x20..<0x80:
                content.append(byte)
                position += 1
            default: content += try character()
            }
        }
        throw malformed("expected '\"', found the end of the text")
    }

    /// Skips a character that is not ASCII, and returns it.
    private mutating func character() throws(JSON.Malformed) -> ArraySlice<UInt8> {
        let length = bytes[position] < 0xE0 ? 2 : bytes[position] < 0xF0 ? 3 : 4
        let character = bytes[position...].prefix(length)
        guard let text = String(validating: character, as: UTF8.self), text.unicodeScalars.count == 1 else {
            throw malformed("found bytes that are not UTF-8")
        }
        position += length
        return character
    }

    /// Reads the rest of an escape, after the backslash.
    private mutating func escape() throws(JSON.Malformed) -> [UInt8] {
        guard position < bytes.count else { throw malformed("expected an escape, found the end of the text") }
        let letter = bytes[position]
        position += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [letter]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"): return try scalar()
        default: throw malformed("found an unknown escape")
        }
    }

    /// Reads the digits of `\u`, and a second `\u` if the two are a surrogate pair.
    private mutating func scalar() throws(JSON.Malformed) -> [UInt8] {
        let unit = try hexadecimal()
        if let scalar = Unicode.Scalar(unit) { return Array(String(Character(scalar)).utf8) }
        // An escaped byte.
        if (0xDC80...0xDCFF).contains(unit) { return [UInt8(unit - 0xDC00)] }
        guard unit < 0xDC00, bytes[position...].starts(with: [UInt8(ascii: "\\"), UInt8(ascii: "u")]) else {
            throw malformed("found half of a surrogate pair")
        }
        position += 2
        let second = try hexadecimal()
        guard (0xDC00..<0xE000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (second - 0xDC00))
        else { throw malformed("found half of a surrogate pair") }
        return Array(String(Character(scalar)).utf8)
    }

    private mutating func hexadecimal() throws(JSON.Malformed) -> UInt32 {
        let digits = bytes[position...].prefix(4)
        guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
            let unit = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw malformed("expected four hexadecimal digits") }
        position += 4
        return unit
    }
}
#endif
