// SPDX-License-Identifier: Apache-2.0

/// Reads the elements of an unkeyed container or of an array that is one record.
struct UnkeyedReader: UnkeyedDecodingContainer {
    private enum Source {
        /// A list of entries, with the number of the next one.
        case list(next: UInt32)
        case packed(ByteReader.PackedHead)
        /// Strings, with the offset of the next one.
        case strings(offset: Int)
    }

    let node: DecodingNode
    let count: Int?
    private(set) var currentIndex = 0

    private var source: Source

    /// Opens a node's container; nil if the node's value has no elements without keys.
    init?(node: DecodingNode) {
        self.node = node
        var reader = node.message.reader(at: node.position.target)
        switch node.position.kind {
        case .unkeyed:
            let container = node.message.container(node.position.target)
            count = Int(container.count)
            source = .list(next: container.first)
        case .packed:
            guard let head = try? reader.packed() else { return nil }
            count = head.count
            source = .packed(head)
        case .strings:
            guard let length = try? reader.varint() else { return nil }
            count = Int(clamping: length)
            source = .strings(offset: reader.offset)
        case .empty:
            count = 0
            source = .list(next: 0)
        default:
            return nil
        }
    }

    var codingPath: [any CodingKey] { node.codingPath }
    var isAtEnd: Bool { currentIndex >= count ?? 0 }

    mutating func decodeNil() throws -> Bool {
        guard try position(for: Any?.self).kind == .null else { return false }
        advance()
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
        let container = try nested([String: Any].self).container(keyedBy: type)
        advance()
        return container
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        let container = try nested([Any].self).unkeyedContainer()
        advance()
        return container
    }

    mutating func superDecoder() throws -> any Decoder {
        let decoder = try nested((any Decoder).self)
        advance()
        return decoder
    }

    private mutating func decodeGeneric<T: Decodable>(_ type: T.Type) throws -> T {
        let position = try position(for: type)
        if case .packed(let head) = source, head.kind == .opaque,
            let value = node.message.element(type, of: head, at: position.target)
        {
            advance()
            return value
        }
        let value = try node.message.value(type, at: position, in: node, step: .index(currentIndex))
        advance()
        return value
    }

    private func position(for type: Any.Type) throws -> Message.Position {
        guard !isAtEnd else {
            let path = codingPath + [PlainKey(index: currentIndex)]
            throw DecodingError.valueNotFound(
                type, .init(codingPath: path, debugDescription: "There are no more elements."))
        }
        switch source {
        case .list(let next): return node.message.entry(next).position
        case .packed(let head): return .init(kind: head.kind, target: head.start + currentIndex * head.stride)
        case .strings(let offset): return .init(kind: .string, target: offset)
        }
    }

    private mutating func advance() {
        currentIndex += 1
        switch source {
        case .list(let next): source = .list(next: node.message.entry(next).next)
        case .packed: break
        case .strings(let offset):
            var reader = node.message.reader(at: offset)
            guard let length = try? reader.varint(), (try? reader.skip(length)) != nil else { return }
            source = .strings(offset: reader.offset)
        }
    }

    private func nested(_ type: Any.Type) throws -> DecodingNode {
        try node.message.makeNode(position(for: type), in: node, step: .index(currentIndex))
    }
}
