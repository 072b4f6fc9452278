// SPDX-License-Identifier: Apache-2.0
/// What a record of a message holds, or the layout of an element of a packed array.
///
/// A message is an append-only log of records: values can be written to any number of open containers in turn, and no byte
/// is ever changed. A record is:
///
/// 1. A tag byte. Its low five bits are the kind. If bit 5 is set, the key is predicted: it is the one that followed the
///    last record's key the last time. Bits 6 and 7 tell the container (see `ContainerHint`).
/// 2. The number of the container, when the hint is `explicit`.
/// 3. The key, when the container is keyed and bit 5 is off: its number, or 0, a length and the UTF-8 of a new key.
/// 4. The payload that the kind calls for.
///
/// A message that has containers ends with an `end` byte; any other is a single record.
///
/// Numbers are little-endian base-128 varints; containers and keys are numbered in order of appearance. Container 0
/// exists from the start and holds the value itself. Fixed-width payloads are in the machine's byte order.
enum WireKind: UInt8 {
    /// A value that wrote nothing.
    case empty = 0
    /// The `nil` of an optional that is not inside another optional's `some`.
    case null
    /// A `nil` inside several `some`; the varint is their number.
    case deepNull
    case no
    case yes
    /// An integer from 0 to 2^64 - 1, as a varint.
    case positive
    /// An integer from -1 to -2^64, as the varint of its bitwise complement.
    case negative
    case float16
    case float32
    case float64
    /// A signed integer beyond what a varint holds.
    case int128
    /// An unsigned integer beyond what a varint holds.
    case uint128
    /// A length in bytes and UTF-8.
    case string
    /// The elements' kind, a count, for `opaque` elements their layout and checksum, and the elements' memory.
    case packed
    /// A count and as many strings, each a length and UTF-8.
    case strings
    /// A keyed container, which takes the next number.
    case keyed
    /// An unkeyed container, which takes the next number.
    case unkeyed
    /// A container of one value that keeps a superclass's place in an unkeyed container, and takes the next number.
    case wrapper
    /// The end of a message that has containers; it shows that the message was not cut off.
    case end

    // Elements of a packed array, besides the numbers above.

    case int8 = 32
    case int16
    case int32
    case int64
    case uint8
    case uint16
    case uint32
    case uint64
    /// A byte that is 0 or 1.
    case bool8
    /// The memory of a trivial type, of which not every bit pattern needs to be valid.
    case opaque
}

/// How a record names its container.
enum ContainerHint: UInt8 {
    /// The last record's container.
    case same = 0
    /// The container that was opened last.
    case newest
    /// The container that holds the last record's container.
    case parent
    /// The container whose number follows the tag.
    case explicit
}

extension WireKind {
    static let mask: UInt8 = 0x1F
    /// The bit of a tag byte that stands for a predicted key.
    static let predictedKey: UInt8 = 0x20
    /// The distance by which a container hint is shifted in a tag byte.
    static let hintShift: UInt8 = 6

    var opensContainer: Bool {
        self == .keyed || self == .unkeyed || self == .wrapper
    }

    /// The size of an element of this kind in a packed array; 0 if the record has it, nil if this is not an element.
    var elementStride: Int? {
        switch self {
        case .int8, .uint8, .bool8: 1
        case .int16, .uint16, .float16: 2
        case .int32, .uint32, .float32: 4
        case .int64, .uint64, .float64: 8
        case .int128, .uint128: 16
        case .opaque: 0
        default: nil
        }
    }

    /// Whether the kind is an integer or a floating-point number.
    var isNumber: Bool {
        (Self.positive.rawValue...Self.uint128.rawValue).contains(rawValue)
            || (Self.int8.rawValue...Self.uint64.rawValue).contains(rawValue)
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
