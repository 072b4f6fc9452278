// SPDX-License-Identifier: Apache-2.0
extension DirectlyEncodable where Self: RandomAccessCollection {
    static var encodingPlan: TransferPlan { .elements(Element.self) }
}

extension TransferPlan {
    fileprivate static func elements<Element>(_ type: Element.Type) -> TransferPlan {
        if let kind = WireKind.element(of: type) { return .packed(kind) }
        return type == String.self ? .strings : .codable
    }
}

extension EncodingNode {
    /// Encodes the memory or the strings of an array at this node's place.
    fileprivate func encode<Elements: RandomAccessCollection>(
        _ elements: Elements, memory: UnsafeRawBufferPointer, plan: TransferPlan
    ) throws {
        let place = try claim(for: elements)
        if case .packed(let kind) = plan {
            try unsafe writer.write(packed: memory, of: Elements.Element.self, kind: kind, at: place)
        } else {
            let strings = unsafe UnsafeBufferPointer(rebasing: memory.assumingMemoryBound(to: String.self)[...])
            try unsafe writer.write(strings: strings, at: place)
        }
    }
}

extension Array: DirectlyEncodable {
    func encode(at node: EncodingNode, plan: TransferPlan) throws {
        try unsafe withUnsafeBytes { try unsafe node.encode(self, memory: $0, plan: plan) }
    }
}

extension ContiguousArray: DirectlyEncodable {
    func encode(at node: EncodingNode, plan: TransferPlan) throws {
        try unsafe withUnsafeBytes { try unsafe node.encode(self, memory: $0, plan: plan) }
    }
}

extension Array: DirectlyDecodable where Element: Decodable {
    static var decodingPlan: TransferPlan { .elements(Element.self) }

    static func decode(at node: DecodingNode, plan: TransferPlan) throws -> [Element] {
        switch plan {
        case .packed(let kind):
            if let elements = node.message.elements(Element.self, kind: kind, at: node.position) { return elements }
        case .strings:
            if node.position.kind == .strings {
                guard let strings = node.message.strings(at: node.position) else { throw node.mismatch(Self.self) }
                return unsafe unsafeBitCast(strings, to: [Element].self)
            }
        case .codable, .direct:
            break
        }
        return try [Element](from: node)
    }
}

extension ContiguousArray: DirectlyDecodable where Element: Decodable {
    static var decodingPlan: TransferPlan { .elements(Element.self) }

    static func decode(at node: DecodingNode, plan: TransferPlan) throws -> ContiguousArray<Element> {
        try ContiguousArray([Element].decode(at: node, plan: plan))
    }
}
