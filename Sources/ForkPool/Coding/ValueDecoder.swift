// SPDX-License-Identifier: Apache-2.0
/// The decoder that a value's `init(from:)` gets, and its single-value container.
///
/// It keeps its keyed container for the next value of the same type: making one is an allocation and lookups of its types.
/// The container holds the node and not the decoder, so that neither keeps the other alive.
final class ValueDecoder: Decoder {
    let node: DecodingNode
    private var container: AnyObject?
    private var keys: ObjectIdentifier?
    private var isSpent = false

    init(_ node: DecodingNode) {
        self.node = node
    }

    var codingPath: [any CodingKey] { node.codingPath }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    /// Whether no code of the value holds the container or a decoder inside it, so that the next value can have both.
    var isFree: Bool {
        !isSpent && node.children == 0 && (container == nil || isKnownUniquelyReferenced(&container))
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard node.position.kind.isKeyed || node.position.kind == .empty else {
            throw node.mismatch([String: Any].self)
        }
        if let container, keys == ObjectIdentifier(type) {
            return unsafe unsafeBitCast(container, to: KeyedDecodingContainer<Key>.self)
        }
        let made = KeyedDecodingContainer(KeyedReader<Key>(node: node))
        guard MemoryLayout<KeyedDecodingContainer<Key>>.size == MemoryLayout<AnyObject>.size, isFree else {
            isSpent = true
            return made
        }
        container = unsafe unsafeBitCast(made, to: AnyObject.self)
        keys = ObjectIdentifier(type)
        return made
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard let reader = UnkeyedReader(self) else { throw node.mismatch([Any].self) }
        return reader
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { self }
}

extension ValueDecoder: SingleValueDecodingContainer {
    func decodeNil() -> Bool { node.nullDepth == 0 }

    func decode(_ type: Int128.Type) throws -> Int128 { try decodeValue(type) }

    func decode(_ type: UInt128.Type) throws -> UInt128 { try decodeValue(type) }

    func decode<T: Decodable>(_ type: T.Type) throws -> T { try decodeValue(type) }

    private func decodeValue<T: Decodable>(_ type: T.Type) throws -> T {
        let route = unsafe DecodingRoute.of(T.self)
        if let take = unsafe route.pointee.take {
            var memory = LeafMemory()
            if unsafe memory.fill({ unsafe take(node.reader, node.position, $0) }) > 0 { return memory.value(type) }
        }
        try node.message.deepen()
        guard let direct = unsafe route.pointee.direct else {
            if unsafe route.pointee.take != nil { throw node.mismatch(type) }
            return try T(from: self)
        }
        return try decode(as: direct)
    }

    private func decode<T, Direct: DirectlyDecodable>(as type: Direct.Type) throws -> T {
        try unsafe unsafeBitCast(Direct.decode(from: self), to: T.self)
    }
}
