// SPDX-License-Identifier: Apache-2.0
/// The types of Foundation that the coder handles itself, because their own conformances are slow: `Data` codes one byte at a
/// time, `UUID` makes and reads a text, and `Decimal` codes a container of twelve values.
///
/// The library does not import Foundation, so it finds them by their names, and takes no other type for one of them, whatever
/// that conforms to. A type that is not found is coded by its own conformance: one of another Foundation, or of a library that
/// the program loads after its first map.
enum FoundationTypes {
    typealias Direct = any (DirectlyEncodable & DirectlyDecodable).Type

    /// The types of this program, and what codes them; none if it does not have Foundation.
    ///
    /// A lookup takes locks and some 50 microseconds. It is done once, at the first use of the coder, which is before the first
    /// fork (see `WarmUp`).
    private nonisolated(unsafe) static let found: [(type: Any.Type, direct: Direct)] = {
        guard let data = named("4DataV") as? any (RangeReplaceableCollection<UInt8> & Codable).Type else { return [] }
        let trivial = ["4UUIDV", "7DecimalV"].compactMap { named($0) as? any Codable.Type }
        return [(data, bytes(data))] + trivial.compactMap { type in memory(type).map { (type, $0) } }
    }()

    private static func named(_ mangledName: String) -> Any.Type? {
        _typeByName("20FoundationEssentials" + mangledName)
    }

    private static func bytes<Bytes: RangeReplaceableCollection<UInt8> & Codable>(_ type: Bytes.Type) -> Direct {
        DirectBytes<Bytes>.self
    }

    private static func memory<Value: Codable>(_ type: Value.Type) -> Direct? {
        guard WireKind.element(of: type) == .opaque, MemoryLayout<Value>.size == MemoryLayout<Value>.stride else {
            return nil
        }
        return DirectMemory<Value>.self
    }

    /// Returns what codes a type, if it is one of these.
    static func direct(_ type: Any.Type) -> Direct? {
        for known in unsafe found where known.type == type { return known.direct }
        return nil
    }
}

/// A `Data`, as the packed array of its bytes.
///
/// Its only field is the value, so a value's memory is that of a `DirectBytes`.
private struct DirectBytes<Bytes: RangeReplaceableCollection<UInt8> & Codable>: DirectlyEncodable, DirectlyDecodable {
    let value: Bytes

    static var encodingRoute: EncodingRoute {
        unsafe .leaf { value, writer in
            func write(_ bytes: UnsafeBufferPointer<UInt8>) throws {
                try unsafe writer.put(packed: UnsafeRawBufferPointer(bytes), of: UInt8.self, kind: .uint8)
            }
            let bytes = unsafe value.assumingMemoryBound(to: Bytes.self).pointee
            if try bytes.withContiguousStorageIfAvailable(write) == nil {
                try unsafe Array(bytes).withUnsafeBufferPointer(write)
            }
        }
    }

    static var decodingRoute: DecodingRoute {
        var route = unsafe DecodingRoute(direct: Self.self)
        guard LeafMemory.fits(Bytes.self) else { return route }
        unsafe route.take = { reader, position, memory in
            guard position.kind == .packed, let head = reader.packed(at: position.payload), head.kind == .uint8 else {
                return 0
            }
            let bytes = unsafe reader.bytes(head.start, head.end).assumingMemoryBound(to: UInt8.self)
            unsafe memory.initializeMemory(as: Bytes.self, to: Bytes(bytes))
            return head.end
        }
        return route
    }

    static func decode(from decoder: ValueDecoder) throws -> Self {
        // A container of bytes. `Bytes` allocates one for each element; how many strings there are said to be can change.
        guard decoder.node.position.kind != .strings else { throw decoder.node.mismatch(Bytes.self) }
        return Self(value: try Bytes(from: decoder))
    }
}

/// A trivial type, as a packed array of one element.
private struct DirectMemory<Value: Codable>: DirectlyEncodable, DirectlyDecodable {
    let value: Value

    static var encodingRoute: EncodingRoute {
        unsafe .leaf { value, writer in
            let bytes = unsafe UnsafeRawBufferPointer(start: value, count: MemoryLayout<Value>.size)
            try unsafe writer.put(packed: bytes, of: Value.self, kind: .opaque)
        }
    }

    static var decodingRoute: DecodingRoute {
        var route = unsafe DecodingRoute(direct: Self.self)
        guard LeafMemory.fits(Value.self) else { return route }
        unsafe route.take = { reader, position, memory in
            unsafe reader.onlyElement(Value.self, at: position, to: memory)
        }
        return route
    }

    static func decode(from decoder: ValueDecoder) throws -> Self {
        Self(value: try Value(from: decoder))
    }
}
