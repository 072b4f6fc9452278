// SPDX-License-Identifier: Apache-2.0
/// Codes dictionaries with strings or integers as keys, as the keyed containers that their own conformance makes, but without
/// a coding key for each entry.
extension Dictionary: DirectlyEncodable where Key: Encodable, Value: Encodable {
    static var encodingPlan: TransferPlan { isNamed ? .direct : .codable }

    func encode(at node: EncodingNode, plan: TransferPlan) throws {
        node.open(.keyed)
        try node.writer.deepen()
        for (key, value) in self {
            let name = Self.name(of: key)
            if try node.writer.write(common: value, at: node.place(named: name)) { continue }
            try node.encode(value, step: .name(name))
        }
    }
}

extension Dictionary: DirectlyDecodable where Key: Decodable, Value: Decodable {
    static var decodingPlan: TransferPlan { isNamed ? .direct : .codable }

    static func decode(at node: DecodingNode, plan: TransferPlan) throws -> [Key: Value] {
        guard node.position.kind == .keyed || node.position.kind == .empty else { throw node.mismatch(Self.self) }
        let entries = node.keyedEntries
        var dictionary = Self(minimumCapacity: entries.count)
        for number in entries {
            let entry = node.message.entry(number)
            guard let name = node.message.validKeyName(entry.key), let key = key(named: name) else {
                throw node.corruption("A key is not \(Key.self == Int.self ? "an integer" : "UTF-8").")
            }
            dictionary[key] = try node.message.value(Value.self, at: entry.position, in: node, step: .name(name))
        }
        return dictionary
    }
}

extension Dictionary {
    /// Whether keys are written as names.
    private static var isNamed: Bool { Key.self == String.self || Key.self == Int.self }

    private static func name(of key: Key) -> String {
        unsafe Key.self == Int.self ? String(unsafeBitCast(key, to: Int.self)) : unsafeBitCast(key, to: String.self)
    }

    private static func key(named name: String) -> Key? {
        guard Key.self == Int.self else { return unsafe unsafeBitCast(name, to: Key.self) }
        return Int(name).map { unsafe unsafeBitCast($0, to: Key.self) }
    }
}
