/// Finds its way in the texts of /proc.
enum ProcText {
    /// What stands behind a name, a colon and a tab, up to the end of that line, which must be there.
    static func value(of name: String, in text: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        var rest = text
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let line = rest[..<end]
            if line.starts(with: name.utf8) {
                let behind = line.dropFirst(name.utf8.count)
                if behind.first == UInt8(ascii: ":") { return behind.dropFirst(2) }
            }
            rest = rest[end...].dropFirst()
        }
        return nil
    }

    /// The number behind a name.
    static func number(_ name: String, in text: ArraySlice<UInt8>, radix: UInt64 = 10) -> UInt64? {
        value(of: name, in: text).flatMap { number($0, radix: radix) }
    }

    /// A number without a sign that is all of the text.
    static func number(_ text: ArraySlice<UInt8>, radix: UInt64) -> UInt64? {
        guard !text.isEmpty else { return nil }
        var sum: UInt64 = 0
        for byte in text {
            let digit: UInt64
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = UInt64(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f") where radix == 16: digit = UInt64(byte - UInt8(ascii: "a")) + 10
            default: return nil
            }
            let (product, overflow) = sum.multipliedReportingOverflow(by: radix)
            let (next, carry) = product.addingReportingOverflow(digit)
            if overflow || carry { return nil }
            sum = next
        }
        return sum
    }

    /// A number after "0x".
    static func hexadecimal(_ text: ArraySlice<UInt8>) -> UInt64? {
        text.starts(with: "0x".utf8) ? number(text.dropFirst(2), radix: 16) : nil
    }

    /// Whether a word is somewhere in the text.
    static func contains(_ word: String, in text: ArraySlice<UInt8>) -> Bool {
        text.indices.contains { text[$0...].starts(with: word.utf8) }
    }
}
