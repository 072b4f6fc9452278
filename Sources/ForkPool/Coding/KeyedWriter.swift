// SPDX-License-Identifier: Apache-2.0
/// Writes to a keyed container.
struct KeyedWriter<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let node: EncodingNode
    private let table: KeyTable?

    init(node: EncodingNode) {
        self.node = node
        table = KeyTable.of(Key.self)
    }

    var codingPath: [any CodingKey] { node.codingPath }

    func encodeNil(forKey key: Key) throws {
        try node.enter(key, table)
        try node.writer.put(kind: .null)
    }

    func encode(_ value: Bool, forKey key: Key) throws {
        try node.enter(key, table)
        try node.writer.put(value)
    }

    func encode(_ value: String, forKey key: Key) throws {
        try node.enter(key, table)
        try node.writer.put(value)
    }

    func encode(_ value: Double, forKey key: Key) throws {
        try node.enter(key, table)
        try node.writer.put(float: value)
    }

    func encode(_ value: Int, forKey key: Key) throws {
        try node.enter(key, table)
        try node.writer.put(value)
    }

    func encode(_ value: Int128, forKey key: Key) throws {
        try node.enter(key, table)
        try node.writer.put(value)
    }

    func encode(_ value: UInt128, forKey key: Key) throws {
        try node.enter(key, table)
        try node.writer.put(value)
    }

    func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
        try node.enter(key, table)
        try node.encodeNext(value, step: .key(key))
    }

    func encodeIfPresent(_ value: String?, forKey key: Key) throws {
        guard let value else { return try leaveOut(key) }
        try encode(value, forKey: key)
    }

    func encodeIfPresent(_ value: Int?, forKey key: Key) throws {
        guard let value else { return try leaveOut(key) }
        try encode(value, forKey: key)
    }

    /// Encodes a value inside an optional: a value that is itself nil is not a missing value.
    func encodeIfPresent<T: Encodable>(_ value: T?, forKey key: Key) throws {
        guard let value else { return try leaveOut(key) }
        try node.enter(key, table)
        try node.encodeNext(value, depth: 1, step: .key(key))
    }

    /// Writes that there is no value.
    ///
    /// A key that has no table is left out: a value may be there for it already, which a search must find.
    private func leaveOut(_ key: Key) throws {
        guard table != nil else { return }
        try node.enter(key, table)
        try node.writer.put(kind: .absent)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy keyType: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        KeyedEncodingContainer(KeyedWriter<Nested>(node: nested(.keyed, key).node))
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        UnkeyedWriter(nested(.unkeyed, key))
    }

    func superEncoder() -> any Encoder {
        node.child(.key(PlainKey.superclass))
    }

    func superEncoder(forKey key: Key) -> any Encoder {
        node.child(.key(key))
    }

    private func nested(_ kind: WireKind, _ key: Key) -> ValueEncoder {
        // A failure stays in the writer.
        let child =
            (try? {
                try node.enter(key, table)
                return try node.nextChild(.key(key))
            }()) ?? node.child(.key(key))
        child.node.open(kind)
        return child
    }
}
