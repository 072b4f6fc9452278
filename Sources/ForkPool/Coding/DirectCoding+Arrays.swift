// SPDX-License-Identifier: Apache-2.0
extension Array: DirectlyEncodable where Element: Encodable {
    static var encodingRoute: EncodingRoute {
        if let kind = WireKind.element(of: Element.self) {
            return unsafe .leaf { value, writer in
                unsafe try value.assumingMemoryBound(to: Self.self).pointee.withUnsafeBytes {
                    unsafe try writer.put(packed: $0, of: Element.self, kind: kind)
                }
            }
        }
        if Element.self == String.self {
            return unsafe .leaf { value, writer in
                unsafe try writer.put(value.assumingMemoryBound(to: [String].self).pointee)
            }
        }
        return unsafe .node { value, encoder in
            let node = encoder.node
            node.open(.unkeyed)
            for (number, element) in unsafe value.assumingMemoryBound(to: Self.self).pointee.enumerated() {
                try node.enter()
                try node.encodeNext(element, step: .index(number))
            }
        }
    }
}

extension ContiguousArray: DirectlyEncodable where Element: Encodable {
    static var encodingRoute: EncodingRoute {
        switch [Element].encodingRoute {
        case .leaf(let put):
            unsafe .leaf { value, writer in
                unsafe try withUnsafePointer(to: Array(value.assumingMemoryBound(to: Self.self).pointee)) {
                    unsafe try put($0, writer)
                }
            }
        case .node(let encode):
            unsafe .node { value, encoder in
                unsafe try withUnsafePointer(to: Array(value.assumingMemoryBound(to: Self.self).pointee)) {
                    unsafe try encode($0, encoder)
                }
            }
        case .codable: .codable
        }
    }
}

extension Array: DirectlyDecodable where Element: Decodable {
    static var decodingRoute: DecodingRoute {
        var route = DecodingRoute()
        if let kind = WireKind.element(of: Element.self) {
            unsafe route.take = DecodingRoute.packed(Element.self, kind)
        } else if Element.self == String.self {
            unsafe route.take = { reader, position, memory in
                var end = 0
                guard let strings = reader.strings(at: position, end: &end) else { return 0 }
                unsafe memory.initializeMemory(as: [String].self, to: strings)
                return end
            }
        }
        route.direct = Self.self
        return route
    }

    static func decode(from decoder: ValueDecoder) throws -> [Element] {
        let node = decoder.node
        // What is left by the take holds wrong bytes.
        if node.position.kind == .strings, Element.self == String.self { throw node.mismatch(Self.self) }
        guard node.position.kind == .unkeyed else { return try [Element](from: decoder) }
        var elements: [Element] = []
        var offset = node.start
        while offset < node.end {
            guard let position = node.reader.position(at: offset) else { throw node.corruption("A record ends early.") }
            elements.append(try node.value(Element.self, at: position, end: &offset, step: .index(elements.count)))
        }
        return elements
    }
}

extension ContiguousArray: DirectlyDecodable where Element: Decodable {
    static var decodingRoute: DecodingRoute { unsafe DecodingRoute(direct: Self.self) }

    static func decode(from decoder: ValueDecoder) throws -> Self {
        try ContiguousArray(decoder.decode([Element].self))
    }
}

extension DecodingRoute {
    /// Code of their own for the most common elements: that for others looks up their types at run time.
    fileprivate static func packed<Element>(_ type: Element.Type, _ kind: WireKind) -> Take {
        switch type {
        case is Int.Type: unsafe elements(Int.self, kind)
        case is Double.Type: unsafe elements(Double.self, kind)
        case is Float.Type: unsafe elements(Float.self, kind)
        case is UInt8.Type: unsafe elements(UInt8.self, kind)
        default: unsafe elements(type, kind)
        }
    }

    @inline(__always)
    private static func elements<Element>(_ type: Element.Type, _ kind: WireKind) -> Take {
        { reader, position, memory in
            var end = 0
            guard let elements = reader.elements(type, kind: kind, at: position, end: &end) else { return 0 }
            unsafe memory.initializeMemory(as: [Element].self, to: elements)
            return end
        }
    }
}
