// SPDX-License-Identifier: Apache-2.0
/// Codes dictionaries with strings or integers as keys, as the keyed containers that their own conformance makes, but without
/// a coding key for each entry.
extension Dictionary: DirectlyEncodable where Key: Encodable, Value: Encodable {
    static var encodingRoute: EncodingRoute {
        guard isNamed else { return .codable }
        if let leaf = scalars { return leaf.encodingRoute }
        return unsafe .node { value, encoder in
            let node = encoder.node
            node.open(.keyed)
            for (key, value) in unsafe value.assumingMemoryBound(to: Self.self).pointee {
                let name = Self.name(of: key)
                try node.enter()
                try node.writer.put(key: name)
                try node.encodeNext(value, step: .name(name))
            }
        }
    }
}

extension Dictionary: DirectlyDecodable where Key: Decodable, Value: Decodable {
    static var decodingRoute: DecodingRoute {
        guard isNamed else { return DecodingRoute() }
        return unsafe DecodingRoute(take: scalars?.take, direct: Self.self)
    }

    static func decode(from decoder: ValueDecoder) throws -> Self {
        let node = decoder.node
        guard node.position.kind.isKeyed || node.position.kind == .empty else { throw node.mismatch(Self.self) }
        let fields = node.survivors
        var dictionary = Self(minimumCapacity: fields.count)
        for field in fields {
            guard let name = node.name(at: field.key), let key = key(named: name) else {
                throw node.corruption("A key is not \(Key.self == Int.self ? "an integer" : "UTF-8").")
            }
            var end = 0
            dictionary[key] = try node.value(Value.self, at: field.record, end: &end, step: .name(name))
        }
        return dictionary
    }
}

extension Dictionary {
    /// Whether keys are written as names.
    private static var isNamed: Bool { Key.self == String.self || Key.self == Int.self }

    /// What codes the most common types of dictionaries without a node.
    private static var scalars: (any ScalarEntries.Type)? {
        switch Self.self {
        case is [String: Int].Type: Entries<String, Int>.self
        case is [String: Double].Type: Entries<String, Double>.self
        case is [String: Bool].Type: Entries<String, Bool>.self
        case is [String: String].Type: Entries<String, String>.self
        case is [Int: Int].Type: Entries<Int, Int>.self
        case is [Int: Double].Type: Entries<Int, Double>.self
        case is [Int: String].Type: Entries<Int, String>.self
        default: nil
        }
    }

    private static func name(of key: Key) -> String {
        unsafe Key.self == Int.self ? String(unsafeBitCast(key, to: Int.self)) : unsafeBitCast(key, to: String.self)
    }

    private static func key(named name: String) -> Key? {
        guard Key.self == Int.self else { return unsafe unsafeBitCast(name, to: Key.self) }
        return Int(name).map { unsafe unsafeBitCast($0, to: Key.self) }
    }
}
