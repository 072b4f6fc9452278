// SPDX-License-Identifier: Apache-2.0
/// How values of a type are encoded.
@safe enum EncodingRoute {
    /// As one record that needs no node. The value is at the address.
    case leaf((UnsafeRawPointer, MessageWriter) throws -> Void)
    /// By the coder itself, at a node. The value is at the address.
    case node((UnsafeRawPointer, ValueEncoder) throws -> Void)
    /// By the type's own conformance.
    case codable
}

/// How values of a type are decoded; by the type's own conformance if both are nil.
@safe struct DecodingRoute {
    /// Reads a value to an address, and returns the record's end; 0 if the record holds no such value.
    typealias Take = (ByteReader, ByteReader.Position, UnsafeMutableRawPointer) -> Int

    var take: Take?
    /// Used if `take` is nil or finds no such value.
    var direct: (any DirectlyDecodable.Type)?
}

/// Memory for a value that a `take` reads.
///
/// Generic code looks up the types of optionals, results and pointers at run time, so none of them is used.
struct LeafMemory {
    private var words: (UInt128, UInt128) = (0, 0)

    static func fits<T>(_ type: T.Type) -> Bool {
        MemoryLayout<T>.size <= MemoryLayout<LeafMemory>.size
            && MemoryLayout<T>.alignment <= MemoryLayout<LeafMemory>.alignment
    }

    @inline(__always)
    mutating func fill(_ take: (UnsafeMutableRawPointer) -> Int) -> Int {
        unsafe withUnsafeMutablePointer(to: &words) { unsafe take(UnsafeMutableRawPointer($0)) }
    }

    /// Moves the value out that is there.
    @inline(__always)
    mutating func value<T>(_ type: T.Type) -> T {
        unsafe withUnsafeMutablePointer(to: &words) {
            unsafe UnsafeMutableRawPointer($0).assumingMemoryBound(to: T.self).move()
        }
    }
}

/// A type that the coder encodes itself instead of calling its Encodable conformance.
protocol DirectlyEncodable {
    /// Asked once per type.
    static var encodingRoute: EncodingRoute { get }
}

/// A type that the coder decodes itself instead of calling its Decodable conformance.
protocol DirectlyDecodable {
    /// Asked once per type.
    static var decodingRoute: DecodingRoute { get }
    /// Decodes what the route's `take` does not find.
    static func decode(from decoder: ValueDecoder) throws -> Self
}

extension EncodingRoute {
    private static let routes = TypeMap<EncodingRoute>()

    @inline(__always)
    static func of(_ type: Any.Type) -> UnsafeMutablePointer<EncodingRoute> {
        unsafe routes.record(of: type) {
            let direct = FoundationTypes.direct(type) ?? type as? any DirectlyEncodable.Type
            return direct?.encodingRoute ?? .codable
        }
    }
}

extension DecodingRoute {
    private static let routes = TypeMap<DecodingRoute>()

    @inline(__always)
    static func of(_ type: Any.Type) -> UnsafeMutablePointer<DecodingRoute> {
        unsafe routes.record(of: type) {
            let direct = FoundationTypes.direct(type) ?? type as? any DirectlyDecodable.Type
            return direct?.decodingRoute ?? DecodingRoute()
        }
    }
}
