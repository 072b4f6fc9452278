// SPDX-License-Identifier: Apache-2.0
#if Command
/// A JSON value, written and read without Foundation.
enum JSON {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    /// A string that need not be UTF-8: other bytes are written as `\udc80` to `\udcff`, as Python does.
    case bytes([UInt8])
    case array([JSON])
    case object([(String, JSON)])

    /// Makes an array of whole numbers.
    static func integers(_ numbers: some Sequence<Int>) -> JSON {
        .array(numbers.map { .integer($0) })
    }

    /// Makes a duration in seconds, to the microsecond.
    static func seconds(_ seconds: Double) -> JSON {
        .number((seconds * 1e6).rounded() / 1e6)
    }

    /// The document, indented by two spaces, with arrays of plain values on one line.
    var text: String {
        var text = ""
        write(to: &text, indent: "")
        return text
    }

    /// The document on one line.
    var line: String {
        var text = ""
        write(to: &text, indent: nil)
        return text
    }

    /// Writes the value; on one line if `indent` is nil.
    private func write(to text: inout String, indent: String?) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .integer(let value): text += String(value)
        // JSON has neither infinity nor NaN.
        case .number(let value): text += value.isFinite ? value.description : "null"
        case .string(let value): Self.write(value.unicodeScalars, to: &text)
        case .bytes(let value): Self.write(value, to: &text)
        case .array(let values):
            let isFlat = indent == nil || values.allSatisfy(\.isPlain)
            Self.write(values, "[", "]", isFlat: isFlat, to: &text, indent) { $0.write(to: &$1, indent: $2) }
        case .object(let members):
            let isFlat = indent == nil || members.isEmpty
            Self.write(members, "{", "}", isFlat: isFlat, to: &text, indent) { member, text, indent in
                Self.write(member.0.unicodeScalars, to: &text)
                text += ": "
                member.1.write(to: &text, indent: indent)
            }
        }
    }

    private var isPlain: Bool {
        switch self {
        case .array, .object: false
        default: true
        }
    }

    private static func write<T>(
        _ elements: [T],
        _ open: String,
        _ close: String,
        isFlat: Bool,
        to text: inout String,
        _ indent: String?,
        _ writeElement: (T, inout String, String?) -> Void
    ) {
        let inner = indent.map { $0 + "  " }
        text += open
        for (position, element) in elements.enumerated() {
            if position > 0 { text += isFlat ? ", " : "," }
            if !isFlat, let inner { text += "\n" + inner }
            writeElement(element, &text, inner)
        }
        if !isFlat, let indent { text += "\n" + indent }
        text += close
    }

    /// Writes a string, with quotes, backslashes and control characters escaped.
    private static func write(_ scalars: some Sequence<Unicode.Scalar>, to text: inout String) {
        text += "\""
        for scalar in scalars { write(scalar, to: &text) }
        text += "\""
    }

    private static func write(_ bytes: [UInt8], to text: inout String) {
        text += "\""
        var rest = bytes.makeIterator()
        var parser = Unicode.UTF8.ForwardParser()
        var position = 0
        scan: while true {
            switch parser.parseScalar(from: &rest) {
            case .valid(let encoded):
                write(Unicode.UTF8.decode(encoded), to: &text)
                position += encoded.count
            case .error(let length):
                for byte in bytes[position..<position + length] { text += "\\udc" + String(byte, radix: 16) }
                position += length
            case .emptyInput: break scan
            }
        }
        text += "\""
    }

    private static func write(_ scalar: Unicode.Scalar, to text: inout String) {
        switch scalar {
        case "\"": text += "\\\""
        case "\\": text += "\\\\"
        case "\n": text += "\\n"
        case "\r": text += "\\r"
        case "\t": text += "\\t"
        // DEL and the C1 controls are legal in JSON, but a terminal would obey them.
        case "\u{0}"..<"\u{20}", "\u{7F}"..."\u{9F}":
            let digits = String(scalar.value, radix: 16)
            text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: text.unicodeScalars.append(scalar)
        }
    }
}
#endif
