/// Writes the one value of a node that has no container.
struct SingleValueWriter: SingleValueEncodingContainer {
    /// The node whose value this is.
    let node: EncodingNode

    var codingPath: [any CodingKey] { node.codingPath }

    func encodeNil() throws {
        try node.writer.write(nullIn: node.depth, at: node.claim(for: Optional<Never>.none as Any))
    }

    func encode(_ value: Int128) throws {
        try node.writer.write(integer: value, at: node.claim(for: value))
    }

    func encode(_ value: UInt128) throws {
        try node.writer.write(integer: value, at: node.claim(for: value))
    }

    func encode<T: Encodable>(_ value: T) throws {
        if try node.writer.write(common: value, at: node.claim(for: value)) { return }
        try node.encode(value)
    }
}
