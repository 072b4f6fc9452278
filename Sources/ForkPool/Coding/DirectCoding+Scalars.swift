// SPDX-License-Identifier: Apache-2.0
/// A type whose values are one record each, whatever is around them.
protocol LeafCodable: DirectlyEncodable, DirectlyDecodable {
    func put(to writer: MessageWriter) throws
    /// Reads a value, and tells the end of its record; nil if the record holds none that the type can represent.
    static func take(_ reader: ByteReader, _ position: ByteReader.Position, _ end: inout Int) -> Self?
}

extension LeafCodable {
    static var encodingRoute: EncodingRoute {
        unsafe .leaf { value, writer in unsafe try value.assumingMemoryBound(to: Self.self).pointee.put(to: writer) }
    }

    static var decodingRoute: DecodingRoute {
        unsafe DecodingRoute { reader, position, memory in
            var end = 0
            guard let value = take(reader, position, &end) else { return 0 }
            unsafe memory.initializeMemory(as: Self.self, to: value)
            return end
        }
    }

    static func decode(from decoder: ValueDecoder) throws -> Self { throw decoder.node.mismatch(Self.self) }
}

extension LeafCodable where Self: FixedWidthInteger & BitwiseCopyable {
    func put(to writer: MessageWriter) throws {
        try writer.put(self)
    }

    static func take(_ reader: ByteReader, _ position: ByteReader.Position, _ end: inout Int) -> Self? {
        end = position.payload &+ (position.kind.payloadSize ?? 0)
        return reader.integer(Self.self, at: position)
    }
}

extension LeafCodable where Self: BinaryFloatingPoint & BitwiseCopyable {
    func put(to writer: MessageWriter) throws {
        try writer.put(float: self)
    }

    static func take(_ reader: ByteReader, _ position: ByteReader.Position, _ end: inout Int) -> Self? {
        end = position.payload &+ (position.kind.payloadSize ?? 0)
        return reader.float(Self.self, at: position)
    }
}

extension Int: LeafCodable {}
extension Int8: LeafCodable {}
extension Int16: LeafCodable {}
extension Int32: LeafCodable {}
extension Int64: LeafCodable {}
extension Int128: LeafCodable {}
extension UInt: LeafCodable {}
extension UInt8: LeafCodable {}
extension UInt16: LeafCodable {}
extension UInt32: LeafCodable {}
extension UInt64: LeafCodable {}
extension UInt128: LeafCodable {}
extension Float16: LeafCodable {}
extension Float: LeafCodable {}
extension Double: LeafCodable {}

extension Bool: LeafCodable {
    func put(to writer: MessageWriter) throws {
        try writer.put(self)
    }

    static func take(_ reader: ByteReader, _ position: ByteReader.Position, _ end: inout Int) -> Bool? {
        end = position.payload &+ (position.kind.payloadSize ?? 0)
        return reader.bool(at: position)
    }
}

extension String: LeafCodable {
    func put(to writer: MessageWriter) throws {
        try writer.put(self)
    }

    static func take(_ reader: ByteReader, _ position: ByteReader.Position, _ end: inout Int) -> String? {
        reader.string(at: position, end: &end)
    }
}
