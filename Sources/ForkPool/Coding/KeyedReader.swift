// SPDX-License-Identifier: Apache-2.0
/// Reads from a keyed container.
struct KeyedReader<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let node: DecodingNode
    private let table: KeyTable?

    init(node: DecodingNode) {
        self.node = node
        table = KeyTable.of(Key.self)
    }

    var codingPath: [any CodingKey] { node.codingPath }

    /// The keys that `Key` has, in the order in which their values were written.
    var allKeys: [Key] {
        node.survivors.compactMap { field in
            node.name(at: field.key).flatMap { Key(stringValue: $0) }
        }
    }

    func contains(_ key: Key) -> Bool {
        guard let position = node.find(key, table) else { return false }
        return position.kind != .absent
    }

    func decodeNil(forKey key: Key) throws -> Bool {
        try position(of: key).kind == .null
    }

    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool {
        let position = try position(of: key)
        guard let value = node.reader.bool(at: position) else { throw mismatch(type, position, key) }
        return passed(value, position)
    }

    func decode(_ type: String.Type, forKey key: Key) throws -> String {
        let position = try position(of: key)
        var end = 0
        guard let value = node.reader.string(at: position, end: &end) else { throw mismatch(type, position, key) }
        node.next = end
        return value
    }

    func decode(_ type: Double.Type, forKey key: Key) throws -> Double {
        let position = try position(of: key)
        guard let value = node.reader.float(type, at: position) else { throw mismatch(type, position, key) }
        return passed(value, position)
    }

    func decode(_ type: Int.Type, forKey key: Key) throws -> Int {
        let position = try position(of: key)
        guard let value = node.reader.integer(type, at: position) else { throw mismatch(type, position, key) }
        return passed(value, position)
    }

    func decode(_ type: Int128.Type, forKey key: Key) throws -> Int128 { try decodeGeneric(type, key) }

    func decode(_ type: UInt128.Type, forKey key: Key) throws -> UInt128 { try decodeGeneric(type, key) }

    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T { try decodeGeneric(type, key) }

    @inline(__always)
    private func decodeGeneric<T: Decodable>(_ type: T.Type, _ key: Key) throws -> T {
        let position = try position(of: key)
        var end = 0
        let value = try node.value(type, at: position, end: &end, step: .key(key))
        node.next = end
        return value
    }

    func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? {
        guard let position = node.find(key, table), !isNil(position) else { return nil }
        var end = 0
        guard let value = node.reader.string(at: position, end: &end) else { throw mismatch(type, position, key) }
        node.next = end
        return value
    }

    func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? {
        guard let position = node.find(key, table), !isNil(position) else { return nil }
        guard let value = node.reader.integer(type, at: position) else { throw mismatch(type, position, key) }
        return passed(value, position)
    }

    /// Decodes a value inside an optional: a value that is itself nil is not a missing value.
    func decodeIfPresent<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T? {
        guard let position = node.find(key, table), !isAbsent(position) else { return nil }
        var end = 0
        let value: T? =
            switch position.kind {
            case .null, .deepNull: try node.value(T?.self, at: position, end: &end, step: .key(key))
            default: try node.value(type, at: position, end: &end, step: .key(key))
            }
        node.next = end
        return value
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
    private func superDecoder<Name: CodingKey>(at key: Name) throws -> ValueDecoder {
        var position = node.find(key, nil) ?? .init(kind: .absent, payload: 0)
        if position.kind == .absent { position.kind = .empty }
        return try node.message.makeDecoder(position, in: node, step: .key(key))
    }

    private func nested(_ key: Key) throws -> ValueDecoder {
        let position = try position(of: key)
        node.next = try node.endOfRecord(position)
        return try node.message.makeDecoder(position, in: node, step: .key(key))
    }

    @inline(__always)
    private func position(of key: Key) throws -> ByteReader.Position {
        guard let position = node.find(key, table), position.kind != .absent else { throw missing(key) }
        return position
    }

    @inline(never)
    private func missing(_ key: Key) -> DecodingError {
        .keyNotFound(key, .init(codingPath: codingPath, debugDescription: "The key was not written."))
    }

    @inline(never)
    private func mismatch(_ type: Any.Type, _ position: ByteReader.Position, _ key: Key) -> any Error {
        node.mismatch(type, at: position, step: .key(key))
    }

    /// Moves on behind a value of fixed size.
    @inline(__always)
    private func passed<Value>(_ value: Value, _ position: ByteReader.Position) -> Value {
        node.next = position.payload &+ (position.kind.payloadSize ?? 0)
        return value
    }

    /// Whether the value is nil; moves on if it is.
    @inline(__always)
    private func isNil(_ position: ByteReader.Position) -> Bool {
        if position.kind == .null || position.kind == .deepNull {
            node.next = position.payload &+ (position.kind.payloadSize ?? 0)
            return true
        }
        return isAbsent(position)
    }

    @inline(__always)
    private func isAbsent(_ position: ByteReader.Position) -> Bool {
        guard position.kind == .absent else { return false }
        node.next = position.payload
        return true
    }
}

extension DecodingNode {
    /// The text of the key at an offset; nil if it is not UTF-8.
    func name(at offset: Int) -> String? {
        reader.key(at: offset).flatMap { unsafe String(utf8: reader.bytes($0.start, $0.end)) }
    }
}
