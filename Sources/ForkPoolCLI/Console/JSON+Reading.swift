extension JSON {
    /// The value of an object's member; of several with one name the last, as everybody has it.
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

    /// A string that is text.
    var string: String? {
        guard case .string(let value) = self else { return nil }
        return value
    }

    /// A string's bytes, be they text or not.
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
