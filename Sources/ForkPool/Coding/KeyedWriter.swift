// SPDX-License-Identifier: Apache-2.0
/// Writes to a keyed container.
struct KeyedWriter<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let node: EncodingNode

    var codingPath: [any CodingKey] { node.codingPath }

    func encodeNil(forKey key: Key) throws {
        try node.writer.write(nullIn: 0, at: node.place(named: key.stringValue))
    }

    func encode(_ value: Int128, forKey key: Key) throws {
        try node.writer.write(integer: value, at: node.place(named: key.stringValue))
    }

    func encode(_ value: UInt128, forKey key: Key) throws {
        try node.writer.write(integer: value, at: node.place(named: key.stringValue))
    }

    func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
        if try node.writer.write(common: value, at: node.place(named: key.stringValue)) { return }
        try node.encode(value, step: .key(key))
    }

    /// Encodes a value inside an optional: a value that is itself nil is not a missing value.
    func encodeIfPresent<T: Encodable>(_ value: T?, forKey key: Key) throws {
        guard let value else { return }
        if try node.writer.write(common: value, at: node.place(named: key.stringValue)) { return }
        let child = node.child(.key(key))
        child.depth = 1
        try child.encode(value)
        node.writer.recycle(child)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy keyType: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        KeyedEncodingContainer(KeyedWriter<Nested>(node: node.nested(.keyed, step: .key(key))))
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        UnkeyedWriter(node: node.nested(.unkeyed, step: .key(key)))
    }

    func superEncoder() -> any Encoder {
        node.child(.key(PlainKey.superclass))
    }

    func superEncoder(forKey key: Key) -> any Encoder {
        node.child(.key(key))
    }
}
