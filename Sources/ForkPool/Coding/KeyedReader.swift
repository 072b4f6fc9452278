// SPDX-License-Identifier: Apache-2.0
/// Reads from a keyed container.
struct KeyedReader<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let node: DecodingNode

    var codingPath: [any CodingKey] { node.codingPath }

    /// The keys that `Key` has, in the order in which their values were written.
    var allKeys: [Key] {
        node.keyedEntries.compactMap { Key(stringValue: node.message.keyName(node.message.entry($0).key)) }
    }

    func contains(_ key: Key) -> Bool {
        node.find(key.stringValue) != 0
    }

    func decodeNil(forKey key: Key) throws -> Bool {
        try position(of: key).kind == .null
    }

    func decode(_ type: Int128.Type, forKey key: Key) throws -> Int128 {
        try node.message.decode(type, at: position(of: key), in: node, step: .key(key))
    }

    func decode(_ type: UInt128.Type, forKey key: Key) throws -> UInt128 {
        try node.message.decode(type, at: position(of: key), in: node, step: .key(key))
    }

    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
        try node.message.value(type, at: position(of: key), in: node, step: .key(key))
    }

    /// Decodes a value inside an optional: a value that is itself nil is not a missing value.
    func decodeIfPresent<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T? {
        let found = node.find(key.stringValue)
        guard found != 0 else { return nil }
        let position = node.message.entry(found).position
        switch position.kind {
        case .null, .deepNull: return try node.message.decode(T?.self, at: position, in: node, step: .key(key))
        default: return try node.message.value(type, at: position, in: node, step: .key(key))
        }
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try nested(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try nested(key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder {
        try superDecoder(at: PlainKey.superclass)
    }

    func superDecoder(forKey key: Key) throws -> any Decoder {
        try superDecoder(at: key)
    }

    /// Makes a decoder of a key's value; of an empty value if the superclass wrote none.
    private func superDecoder(at key: any CodingKey) throws -> DecodingNode {
        let position = node.message.entry(node.find(key.stringValue)).position
        return try node.message.makeNode(position, in: node, step: .key(key))
    }

    private func nested(_ key: Key) throws -> DecodingNode {
        try node.message.makeNode(position(of: key), in: node, step: .key(key))
    }

    @inline(__always)
    private func position(of key: Key) throws -> Message.Position {
        let found = node.find(key.stringValue)
        guard found != 0 else {
            let context = DecodingError.Context(codingPath: codingPath, debugDescription: "The key was not written.")
            throw DecodingError.keyNotFound(key, context)
        }
        return node.message.entry(found).position
    }
}
