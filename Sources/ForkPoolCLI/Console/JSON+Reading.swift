// SPDX-License-Identifier: Apache-2.0
#if Command
extension JSON {
    /// The value of a member of an object; if several have the name, the last one counts, as in other parsers.
    subscript(name: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.0 == name }?.1
    }

    var bool: Bool? {
        guard case .bool(let value) = self else { return nil }
        return value
    }

    var integer: Int? {
        switch self {
        case .integer(let value): value
        case .number(let value): Int(exactly: value)
        default: nil
        }
    }

    var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    /// The value of a string of text.
    var string: String? {
        guard case .string(let value) = self else { return nil }
        return value
    }

    /// The bytes of a string, text or not.
    var bytes: [UInt8]? {
        switch self {
        case .string(let value): Array(value.utf8)
        case .bytes(let value): value
        default: nil
        }
    }

    var array: [JSON]? {
        guard case .array(let values) = self else { return nil }
        return values
    }
}
#endif
