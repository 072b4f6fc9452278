// SPDX-License-Identifier: Apache-2.0
/// Writes to an unkeyed container.
struct UnkeyedWriter: UnkeyedEncodingContainer {
    let node: EncodingNode

    var codingPath: [any CodingKey] { node.codingPath }
    var count: Int { node.count }

    func encodeNil() throws {
        try node.writer.write(nullIn: 0, at: node.place(named: nil))
        node.count &+= 1
    }

    func encode(_ value: Int128) throws {
        try node.writer.write(integer: value, at: node.place(named: nil))
        node.count &+= 1
    }

    func encode(_ value: UInt128) throws {
        try node.writer.write(integer: value, at: node.place(named: nil))
        node.count &+= 1
    }

    func encode<T: Encodable>(_ value: T) throws {
        if try !node.writer.write(common: value, at: node.place(named: nil)) {
            try node.encode(value, step: .index(node.count))
        }
        node.count &+= 1
    }

    func nestedContainer<Nested: CodingKey>(keyedBy keyType: Nested.Type) -> KeyedEncodingContainer<Nested> {
        KeyedEncodingContainer(KeyedWriter<Nested>(node: nested(.keyed)))
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        UnkeyedWriter(node: nested(.unkeyed))
    }

    /// Makes an encoder whose place a wrapper keeps, whatever else is written to this container meanwhile.
    func superEncoder() -> any Encoder {
        nested(.wrapper).child(.root)
    }

    private func nested(_ kind: WireKind) -> EncodingNode {
        defer { node.count &+= 1 }
        return node.nested(kind, step: .index(node.count))
    }
}
