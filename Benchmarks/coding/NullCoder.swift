// SPDX-License-Identifier: Apache-2.0
/// A coder that writes nothing, and reads the same values from nowhere: what it costs is the cost of Codable itself.
struct NullCoder {
    private let encoder = NullEncoder()
    private let decoder = NullDecoder()

    @inline(never)
    func encode<Value: Encodable>(_ value: Value) {
        try? value.encode(to: encoder)
    }

    @inline(never)
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try Value(from: decoder)
    }
}

private final class NullEncoder: Encoder {
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }
    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        KeyedEncodingContainer(NullKeyed<Key>(node: self))
    }
    func unkeyedContainer() -> any UnkeyedEncodingContainer { preconditionFailure("a record has no such value") }
    func singleValueContainer() -> any SingleValueEncodingContainer {
        preconditionFailure("a record has no such value")
    }
}
private struct NullKeyed<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let node: NullEncoder
    var codingPath: [any CodingKey] { [] }
    func encodeNil(forKey key: Key) throws {}
    func encode(_ value: Int, forKey key: Key) throws {}
    func encode(_ value: String, forKey key: Key) throws {}
    func encode(_ value: Double, forKey key: Key) throws {}
    func encode(_ value: Bool, forKey key: Key) throws {}
    func encodeIfPresent(_ value: Int?, forKey key: Key) throws {}
    func encodeIfPresent(_ value: String?, forKey key: Key) throws {}
    func encode<T: Encodable>(_ value: T, forKey key: Key) throws {}
    func nestedContainer<N: CodingKey>(keyedBy keyType: N.Type, forKey key: Key) -> KeyedEncodingContainer<N> {
        preconditionFailure("a record has no such value")
    }
    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        preconditionFailure("a record has no such value")
    }
    func superEncoder() -> any Encoder { node }
    func superEncoder(forKey key: Key) -> any Encoder { node }
}
private final class NullDecoder: Decoder {
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }
    let text = "customer number 1"
    let strings = ["red", "green", "tag 1"]
    let doubles = [1.0, 2, 3]
    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(NullReader<Key>(node: self))
    }
    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { preconditionFailure("a record has no such value") }
    func singleValueContainer() throws -> any SingleValueDecodingContainer {
        preconditionFailure("a record has no such value")
    }
}
private struct NullReader<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let node: NullDecoder
    var codingPath: [any CodingKey] { [] }
    var allKeys: [Key] { [] }
    func contains(_ key: Key) -> Bool { true }
    func decodeNil(forKey key: Key) throws -> Bool { false }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { 1 }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { node.text }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double { 1 }
    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { true }
    func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? { 1 }
    func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? { node.text }
    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
        if T.self == [String].self { return unsafe unsafeBitCast(node.strings, to: T.self) }
        if T.self == [Double].self { return unsafe unsafeBitCast(node.doubles, to: T.self) }
        preconditionFailure("a record has no such value")
    }
    func nestedContainer<N: CodingKey>(keyedBy type: N.Type, forKey key: Key) throws -> KeyedDecodingContainer<N> {
        preconditionFailure("a record has no such value")
    }
    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        preconditionFailure("a record has no such value")
    }
    func superDecoder() throws -> any Decoder { node }
    func superDecoder(forKey key: Key) throws -> any Decoder { node }
}
