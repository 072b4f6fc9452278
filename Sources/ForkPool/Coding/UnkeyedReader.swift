// SPDX-License-Identifier: Apache-2.0
/// Reads the elements of an unkeyed container or of an array that is one record.
///
/// It has three words, so that its existential allocates nothing.
struct UnkeyedReader: UnkeyedDecodingContainer {
    private let decoder: ValueDecoder
    private(set) var currentIndex = 0
    /// Where the next element is, or the next string; the start of a packed array.
    private var offset: Int

    /// Opens a node's container; nil if the node's value has no elements without keys.
    init?(_ decoder: ValueDecoder) {
        self.decoder = decoder
        let node = decoder.node
        offset = node.position.payload
        switch node.position.kind {
        case .unkeyed: offset = node.start
        case .packed: guard node.reader.packed(at: offset) != nil else { return nil }
        case .strings: guard node.reader.length(at: &offset) != nil else { return nil }
        case .empty: break
        default: return nil
        }
    }

    private var node: DecodingNode { decoder.node }
    var codingPath: [any CodingKey] { node.codingPath }

    var count: Int? {
        var offset = node.position.payload
        switch node.position.kind {
        case .unkeyed:
            if let count = node.reader.head(at: offset)?.count { return count }
            // Too many for the head.
            var (count, next) = (0, node.start)
            while next < node.end, let end = node.reader.position(at: next).flatMap({ node.reader.end(of: $0) }) {
                next = end
                count += 1
            }
            return count
        case .packed: return node.reader.packed(at: offset)?.count ?? 0
        case .strings: return node.reader.length(at: &offset) ?? 0
        default: return 0
        }
    }

    var isAtEnd: Bool {
        node.position.kind == .unkeyed ? offset >= node.end : currentIndex >= count ?? 0
    }

    mutating func decodeNil() throws -> Bool {
        let position = try position(for: Any?.self)
        guard position.kind == .null else { return false }
        try advance(position)
        return true
    }

    mutating func decode(_ type: Int128.Type) throws -> Int128 {
        try decodeGeneric(type)
    }

    mutating func decode(_ type: UInt128.Type) throws -> UInt128 {
        try decodeGeneric(type)
    }

    mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
        try decodeGeneric(type)
    }

    /// Decodes a value inside an optional: a value that is itself nil is not a missing value.
    mutating func decodeIfPresent<T: Decodable>(_ type: T.Type) throws -> T? {
        isAtEnd ? nil : try decodeGeneric(T?.self)
    }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> {
        try nested([String: Any].self) { try $0.container(keyedBy: type) }
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try nested([Any].self) { try $0.unkeyedContainer() }
    }

    mutating func superDecoder() throws -> any Decoder {
        try nested((any Decoder).self) { $0 }
    }

    private mutating func decodeGeneric<T: Decodable>(_ type: T.Type) throws -> T {
        let position = try position(for: type)
        if position.kind == .opaque, let head = node.reader.packed(at: node.position.payload),
            let value = node.element(type, currentIndex, of: head)
        {
            currentIndex += 1
            return value
        }
        var end = 0
        let value = try node.value(type, at: position, end: &end, step: .index(currentIndex))
        currentIndex += 1
        if node.position.kind != .packed { offset = end }
        return value
    }

    private func position(for type: Any.Type) throws -> ByteReader.Position {
        guard !isAtEnd else {
            let path = codingPath + [PlainKey(index: currentIndex)]
            throw DecodingError.valueNotFound(
                type, .init(codingPath: path, debugDescription: "There are no more elements."))
        }
        let reader = node.reader
        switch node.position.kind {
        case .packed:
            if let head = reader.packed(at: offset), currentIndex < head.count {
                return .init(kind: head.kind, payload: head.start + currentIndex * head.stride)
            }
        case .strings: return .init(kind: .string, payload: offset)
        default: if let position = reader.position(at: offset) { return position }
        }
        throw node.corruption("A record is of an unknown kind or ends early.")
    }

    private mutating func advance(_ position: ByteReader.Position) throws {
        if node.position.kind != .packed { offset = try node.endOfRecord(position) }
        currentIndex += 1
    }

    private mutating func nested<Result>(_ type: Any.Type, _ open: (ValueDecoder) throws -> Result) throws -> Result {
        let position = try position(for: type)
        let result = try open(node.message.makeDecoder(position, in: node, step: .index(currentIndex)))
        try advance(position)
        return result
    }
}
