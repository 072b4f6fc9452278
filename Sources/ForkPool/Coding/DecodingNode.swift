// SPDX-License-Identifier: Apache-2.0
/// A value that is being decoded: the decoder that its type's `init(from:)` gets, and its single-value container.
final class DecodingNode: Decoder, CodingPathNode {
    let message: Message
    /// The kind and place of the value's record.
    private(set) var position = Message.Position(kind: .empty, target: 0)
    /// The number of optionals around the value that were unwrapped.
    var depth = 0

    private(set) var owner: DecodingNode?
    private(set) var step = CodingStep.root
    // Unchecked: no method of it calls back, so its accesses never overlap and need no check at run time.
    @exclusivity(unchecked) private var search = KeySearch()

    init(message: Message) {
        self.message = message
    }

    /// Takes the value at a position, or in the wrapper at that position.
    func occupy(_ position: Message.Position, in owner: DecodingNode?, step: CodingStep) {
        self.position = position
        self.owner = owner
        self.step = step
        while self.position.kind == .wrapper {
            let first = message.container(self.position.target).first
            self.position = message.entry(first).position
        }
    }

    /// Gives the value up, so that the node can take another one.
    func vacate() {
        owner = nil
        step = .root
        depth = 0
        unsafe search = KeySearch()
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard position.kind == .keyed || position.kind == .empty else { throw mismatch([String: Any].self) }
        return KeyedDecodingContainer(KeyedReader<Key>(node: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard let reader = UnkeyedReader(node: self) else { throw mismatch([Any].self) }
        return reader
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { self }
}

extension DecodingNode: SingleValueDecodingContainer {
    func decodeNil() -> Bool { nullDepth == 0 }

    func decode(_ type: Int128.Type) throws -> Int128 { try Int128.decode(at: self, plan: .direct) }

    func decode(_ type: UInt128.Type) throws -> UInt128 { try UInt128.decode(at: self, plan: .direct) }

    func decode<T: Decodable>(_ type: T.Type) throws -> T {
        try message.deepen()
        let route = unsafe message.routes.route(of: type) { DecodingRoute(decoding: $0) }
        guard let direct = route.direct else { return try T(from: self) }
        return try decode(as: direct, plan: route.plan)
    }

    private func decode<T, Direct: DirectlyDecodable>(as type: Direct.Type, plan: TransferPlan) throws -> T {
        try unsafe unsafeBitCast(Direct.decode(at: self, plan: plan), to: T.self)
    }
}

extension DecodingNode {
    /// How many optionals, beyond those that were unwrapped, are around the value's `nil`; nil if the value is not `nil`.
    var nullDepth: Int? {
        switch position.kind {
        case .null: return 0
        case .deepNull:
            var reader = message.reader(at: position.target)
            let depth = (try? reader.varint()) ?? 0
            return max(0, Int(clamping: depth) &- self.depth)
        default: return nil
        }
    }

    /// Finds the number of a key's entry in the value's keyed container; 0 if there is none.
    func find(_ name: consuming String) -> UInt32 {
        guard position.kind == .keyed else { return 0 }
        return name.withUTF8 { bytes in
            unsafe search.find(UnsafeRawBufferPointer(bytes), in: message, container: position.target)
        }
    }

    /// The numbers of the entries of the value's keyed container, each key once, in order.
    var keyedEntries: [UInt32] {
        guard position.kind == .keyed else { return [] }
        return unsafe search.survivors(in: message, container: position.target)
    }

    func mismatch(_ type: Any.Type) -> DecodingError {
        let path = codingPath
        switch position.kind {
        case .null, .deepNull:
            return .valueNotFound(type, .init(codingPath: path, debugDescription: "Found nil instead of \(type)."))
        case .string where type == String.self, .strings where type == [String].self:
            return corruption("A string is not UTF-8.")
        case let kind where kind.isNumber && (type is any Numeric.Type):
            return corruption("A number does not fit \(type).")
        case let kind:
            return .typeMismatch(type, .init(codingPath: path, debugDescription: "Found \(kind) instead of \(type)."))
        }
    }

    func corruption(_ reason: String) -> DecodingError {
        .dataCorrupted(.init(codingPath: codingPath, debugDescription: reason))
    }
}
