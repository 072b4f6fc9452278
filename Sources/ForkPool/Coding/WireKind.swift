// SPDX-License-Identifier: Apache-2.0
/// What a record of a message holds, or the layout of an element of a packed array.
///
/// A message is one record: a kind byte, and the payload that the kind calls for. All is in the machine's byte order, at
/// any alignment. The payload of a container is a `ContainerHead` of what follows, and a record for each value; in a keyed
/// container a key is before each record: a length byte and that many bytes of UTF-8, or 255, eight bytes of length, and
/// the UTF-8. So a reader passes over any value without looking into it, and every check is made where a value is read.
enum WireKind: UInt8 {
    /// A value that wrote nothing.
    case empty = 0
    /// A key whose value was left out, because it is nil: the container does not have it, but a reader need not search it.
    case absent
    /// The `nil` of an optional that is not inside another optional's `some`.
    case null
    /// A `nil` inside several `some`; four bytes tell their number.
    case deepNull
    case no
    case yes
    // Integers, in as few bytes as they fit into; `uint64` from 2^63 on, and the last two beyond that.
    case int8
    case int16
    case int32
    case int64
    case uint64
    case int128
    case uint128
    case float16
    case float32
    case float64
    /// A length in bytes, as a varint, and UTF-8.
    case string
    /// The elements' kind, a count, for `opaque` elements their layout and checksum, and the elements' memory.
    case packed
    /// A count and as many strings, each a length and UTF-8. Counts and lengths are varints.
    case strings
    /// A keyed container whose keys are known to differ.
    case keyed
    /// A keyed container in which a key may be there again; the last one counts.
    case keyedAgain
    case unkeyed
    /// A container of one value that keeps a superclass's place in an unkeyed container.
    case wrapper
    /// More values of a container that was closed: only until the writer puts them into their place.
    case chunk

    // Elements of a packed array, besides the numbers above.

    case uint8
    case uint16
    case uint32
    /// A byte that is 0 or 1.
    case bool8
    /// The memory of a trivial type, of which not every bit pattern needs to be valid.
    case opaque
}

/// The head of a container: the length of its values in bytes, and their number.
struct ContainerHead {
    static let size = 8
    /// The bits of the length; the number, or the highest that has room, is above them.
    private static let lengthBits: UInt64 = 40
    static let maxLength = 1 << 40 - 1
    static let maxCount = 1 << 24 - 1

    let bits: UInt64

    init(bits: UInt64) {
        self.bits = bits
    }

    init(length: Int, count: Int) {
        bits = UInt64(min(count, Self.maxCount)) << Self.lengthBits | UInt64(length)
    }

    var length: Int { Int(bits & UInt64(Self.maxLength)) }
    /// The number of values; nil if there are too many to tell.
    var count: Int? {
        let count = Int(bits >> Self.lengthBits)
        return count == Self.maxCount ? nil : count
    }
}

extension WireKind {
    var isKeyed: Bool { self == .keyed || self == .keyedAgain }

    /// The size of the payload, or of an element of a packed array, in bytes; nil if the payload tells.
    @inline(__always)
    var payloadSize: Int? {
        switch self {
        case .empty, .absent, .null, .no, .yes: 0
        case .int8, .uint8, .bool8: 1
        case .int16, .uint16, .float16: 2
        case .int32, .uint32, .float32, .deepNull: 4
        case .int64, .uint64, .float64: 8
        case .int128, .uint128: 16
        default: nil
        }
    }

    /// The size of an element of this kind in a packed array; 0 if the record has it, nil if this is not an element.
    var elementStride: Int? {
        switch self {
        case .empty, .absent, .null, .deepNull, .no, .yes: nil
        case .opaque: 0
        default: payloadSize
        }
    }

    /// Whether the kind is an integer or a floating-point number.
    var isNumber: Bool {
        self != .bool8 && self != .opaque && elementStride != nil
    }

    /// Returns the kind of an array's elements; nil if their memory cannot be copied, because it is not trivial or is empty.
    static func element<Element>(of type: Element.Type) -> WireKind? {
        guard _isPOD(type), MemoryLayout<Element>.size > 0 else { return nil }
        return switch type {
        case is UInt8.Type: .uint8
        case is Int.Type: .int64
        case is Double.Type: .float64
        case is Float.Type: .float32
        case is Bool.Type: .bool8
        case is Int8.Type: .int8
        case is Int16.Type: .int16
        case is Int32.Type: .int32
        case is Int64.Type: .int64
        case is Int128.Type: .int128
        case is UInt.Type: .uint64
        case is UInt16.Type: .uint16
        case is UInt32.Type: .uint32
        case is UInt64.Type: .uint64
        case is UInt128.Type: .uint128
        case is Float16.Type: .float16
        default: .opaque
        }
    }
}
