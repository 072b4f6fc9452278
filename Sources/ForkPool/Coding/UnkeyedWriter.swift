// SPDX-License-Identifier: Apache-2.0
/// Writes to an unkeyed container.
struct UnkeyedWriter: UnkeyedEncodingContainer {
    private let encoder: ValueEncoder

    init(_ encoder: ValueEncoder) {
        self.encoder = encoder
    }

    var count: Int { encoder.node.count }
    private var node: EncodingNode { encoder.node }

    var codingPath: [any CodingKey] { node.codingPath }

    func encodeNil() throws {
        try node.enter()
        try node.writer.put(kind: .null)
    }

    func encode(_ value: Int128) throws {
        try node.enter()
        try node.writer.put(value)
    }

    func encode(_ value: UInt128) throws {
        try node.enter()
        try node.writer.put(value)
    }

    func encode<T: Encodable>(_ value: T) throws {
        try node.enter()
        try node.encodeNext(value, step: .index(count - 1))
    }

    func nestedContainer<Nested: CodingKey>(keyedBy keyType: Nested.Type) -> KeyedEncodingContainer<Nested> {
        KeyedEncodingContainer(KeyedWriter<Nested>(node: nested(.keyed).node))
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        UnkeyedWriter(nested(.unkeyed))
    }

    /// Makes an encoder whose place a wrapper keeps, whatever else is written to this container meanwhile.
    func superEncoder() -> any Encoder {
        nested(.wrapper).node.child(.root)
    }

    private func nested(_ kind: WireKind) -> ValueEncoder {
        // A failure stays in the writer.
        let step = CodingStep.index(count)
        let child =
            (try? {
                try node.enter()
                return try node.nextChild(step)
            }()) ?? node.child(step)
        child.node.open(kind)
        return child
    }
}
