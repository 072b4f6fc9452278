// SPDX-License-Identifier: Apache-2.0
/// The encoder that a value's `encode(to:)` gets, and its single-value container.
///
/// It keeps its keyed container for the next value of the same type: making one is an allocation and lookups of its types.
/// The container holds the node and not the encoder, so that neither keeps the other alive.
final class ValueEncoder: Encoder {
    let node: EncodingNode
    private var container: AnyObject?
    private var keys: ObjectIdentifier?
    private var isSpent = false

    init(_ node: EncodingNode) {
        self.node = node
    }

    var codingPath: [any CodingKey] { node.codingPath }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    /// Whether no code of the value holds the container or an encoder inside it, so that the next value can have both.
    var isFree: Bool {
        !isSpent && node.children == 0 && (container == nil || isKnownUniquelyReferenced(&container))
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        node.open(.keyed)
        if let container, keys == ObjectIdentifier(type) {
            return unsafe unsafeBitCast(container, to: KeyedEncodingContainer<Key>.self)
        }
        let made = KeyedEncodingContainer(KeyedWriter<Key>(node: node))
        guard MemoryLayout<KeyedEncodingContainer<Key>>.size == MemoryLayout<AnyObject>.size, isFree else {
            isSpent = true
            return made
        }
        container = unsafe unsafeBitCast(made, to: AnyObject.self)
        keys = ObjectIdentifier(type)
        return made
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        node.open(.unkeyed)
        return UnkeyedWriter(self)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }
}

extension ValueEncoder: SingleValueEncodingContainer {
    func encodeNil() throws {
        try node.claim(for: Optional<Never>.none as Any)
        try node.writer.put(nullIn: node.depth)
    }

    func encode(_ value: Int128) throws {
        try node.claim(for: value)
        try node.writer.put(value)
    }

    func encode(_ value: UInt128) throws {
        try node.claim(for: value)
        try node.writer.put(value)
    }

    func encode<T: Encodable>(_ value: T) throws {
        switch unsafe EncodingRoute.of(T.self).pointee {
        case .leaf(let put):
            try node.claim(for: value)
            try unsafe withUnsafePointer(to: value) { try unsafe put($0, node.writer) }
        case .node(let encode):
            try node.writer.deepen()
            try unsafe withUnsafePointer(to: value) { try unsafe encode($0, self) }
        case .codable:
            try node.writer.deepen()
            try value.encode(to: self)
            try node.finish()
        }
    }
}
