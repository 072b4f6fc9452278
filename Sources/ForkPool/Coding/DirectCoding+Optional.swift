// SPDX-License-Identifier: Apache-2.0
/// Encodes optionals, because their own conformance merges all levels of a nested optional into one `nil`.
///
/// A `nil` says how many `some` are around it, so other values inside optionals cost nothing.
extension Optional: DirectlyEncodable where Wrapped: Encodable {
    static var encodingRoute: EncodingRoute {
        unsafe .node { value, encoder in
            let node = encoder.node
            guard let wrapped = unsafe value.assumingMemoryBound(to: Self.self).pointee else {
                try node.claim(for: Self.none as Any)
                return try node.writer.put(nullIn: node.depth)
            }
            node.depth &+= 1
            try encoder.encode(wrapped)
        }
    }
}

extension Optional: DirectlyDecodable where Wrapped: Decodable {
    static var decodingRoute: DecodingRoute { unsafe DecodingRoute(direct: Self.self) }

    static func decode(from decoder: ValueDecoder) throws -> Self {
        if let depth = decoder.node.nullDepth {
            guard depth > 0 else { return nil }
            decoder.node.depth &+= 1
        }
        return try decoder.decode(Wrapped.self)
    }
}
