/// Reads the one value of a node that has no container.
struct SingleValueReader: SingleValueDecodingContainer {
    /// The node whose value this is.
    let node: DecodingNode

    var codingPath: [any CodingKey] { node.codingPath }

    func decodeNil() -> Bool {
        node.nullDepth == 0
    }

    func decode(_ type: Int128.Type) throws -> Int128 {
        try node.decode(type)
    }

    func decode(_ type: UInt128.Type) throws -> UInt128 {
        try node.decode(type)
    }

    func decode<T: Decodable>(_ type: T.Type) throws -> T {
        try node.decode(type)
    }
}
