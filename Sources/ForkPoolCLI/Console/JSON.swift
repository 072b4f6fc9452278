/// A JSON value, written without Foundation.
enum JSON {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
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

    /// The document's text: indented by two spaces, arrays of plain values on one line.
    var text: String {
        var text = ""
        write(to: &text, indent: "")
        return text
    }

    private func write(to text: inout String, indent: String) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .integer(let value): text += String(value)
        // JSON knows neither infinity nor NaN.
        case .number(let value): text += value.isFinite ? value.description : "null"
        case .string(let value): Self.write(value, to: &text)
        case .array(let values):
            let isFlat = values.allSatisfy(\.isPlain)
            Self.write(values, "[", "]", isFlat: isFlat, to: &text, indent) { $0.write(to: &$1, indent: $2) }
        case .object(let members):
            Self.write(members, "{", "}", isFlat: members.isEmpty, to: &text, indent) { member, text, indent in
                Self.write(member.0, to: &text)
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
        _ indent: String,
        _ writeElement: (T, inout String, String) -> Void
    ) {
        let inner = indent + "  "
        text += open
        for (position, element) in elements.enumerated() {
            if position > 0 { text += isFlat ? ", " : "," }
            if !isFlat { text += "\n" + inner }
            writeElement(element, &text, inner)
        }
        if !isFlat { text += "\n" + indent }
        text += close
    }

    /// Writes a string: quotes, backslashes and control characters escaped, everything else as UTF-8.
    private static func write(_ string: String, to text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            // DEL and the C1 controls are legal as they are, but a terminal would obey them.
            case "\u{0}"..<"\u{20}", "\u{7F}"..."\u{9F}":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
