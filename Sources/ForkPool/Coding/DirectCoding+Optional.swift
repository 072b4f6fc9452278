// SPDX-License-Identifier: Apache-2.0
/// Encodes optionals, because their own conformance merges all levels of a nested optional into one `nil`.
///
/// A `nil` says how many `some` are around it, so other values inside optionals cost nothing.
extension Optional: DirectlyEncodable where Wrapped: Encodable {
    static var encodingPlan: TransferPlan { .direct }

    func encode(at node: EncodingNode, plan: TransferPlan) throws {
        guard let value = self else {
            return try node.writer.write(nullIn: node.depth, at: node.claim(for: self as Any))
        }
        node.depth &+= 1
        try node.encode(value)
    }
}

extension Optional: DirectlyDecodable where Wrapped: Decodable {
    static var decodingPlan: TransferPlan { .direct }

    static func decode(at node: DecodingNode, plan: TransferPlan) throws -> Wrapped? {
        if let depth = node.nullDepth {
            guard depth > 0 else { return nil }
            node.depth &+= 1
        }
        return try node.decode(Wrapped.self)
    }
}
