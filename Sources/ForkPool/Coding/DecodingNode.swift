/// One value on its way out of a message, which its type's `init(from:)` asks for what it wants.
final class DecodingNode: Decoder {
    /// The message.
    let message: Message
    /// What the value's record holds and where.
    private(set) var position = Message.Position(kind: .empty, target: 0)
    /// The number of optionals around the value that were unwrapped.
    var depth = 0

    private var owner: DecodingNode?
    private var step = CodingStep.root
    // Unchecked: no method of it calls back, so its accesses never overlap and need no check at run time.
    @exclusivity(unchecked) private var search = KeySearch()

    /// Makes a node that stands for nothing yet.
    init(message: Message) {
        self.message = message
    }

    /// Stands for the value at a position, or in the wrapper at that position.
    func occupy(_ position: Message.Position, in owner: DecodingNode?, step: CodingStep) {
        self.position = position
        self.owner = owner
        self.step = step
        while self.position.kind == .wrapper {
            let first = message.container(self.position.target).first
            self.position = message.entry(first).position
        }
    }

    /// Stands for nothing, so that the node can be used for another value.
    func vacate() {
        owner = nil
        step = .root
        depth = 0
        unsafe search = KeySearch()
    }

    /// The keys that lead to the value.
    var codingPath: [any CodingKey] {
        var path: [any CodingKey] = []
        var node: DecodingNode? = self
        while let current = node {
            if let key = current.step.codingKey { path.append(key) }
            node = current.owner
        }
        return path.reversed()
    }

    /// Always empty.
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard position.kind == .keyed || position.kind == .empty else { throw mismatch([String: Any].self) }
        return KeyedDecodingContainer(KeyedReader<Key>(node: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard let reader = UnkeyedReader(node: self) else { throw mismatch([Any].self) }
        return reader
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer {
        SingleValueReader(node: self)
    }
}

extension DecodingNode {
    /// How many optionals are around the value's `nil`, of those not unwrapped yet; nil when the value is not `nil`.
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

    /// Decodes the node's value.
    func decode<T: Decodable>(_ type: T.Type) throws -> T {
        guard message.hasStack else {
            // Not with the path, which is as long as the value is deep.
            throw DecodingError.dataCorrupted(
                .init(codingPath: [], debugDescription: "A value is nested too deeply for this thread's stack."))
        }
        let route = unsafe message.routes.route(of: type) { DecodingRoute($0) }
        guard let direct = route.direct else { return try T(from: self) }
        return try decode(as: direct, plan: route.plan)
    }

    private func decode<T, Direct: DirectlyDecodable>(as type: Direct.Type, plan: TransferPlan) throws -> T {
        try unsafe unsafeBitCast(Direct.decode(at: self, plan: plan), to: T.self)
    }

    /// Finds the entry of a key in the value's keyed container.
    /// - Returns: The entry's number, or 0 when the container has no such key.
    func find(_ name: String) -> UInt32 {
        guard position.kind == .keyed else { return 0 }
        var name = name
        return name.withUTF8 { bytes in
            unsafe search.find(UnsafeRawBufferPointer(bytes), in: message, container: position.target)
        }
    }

    /// The numbers of the entries of the value's keyed container, each key once, in order.
    var keyedEntries: [UInt32] {
        guard position.kind == .keyed else { return [] }
        return unsafe search.survivors(in: message, container: position.target)
    }
}

extension DecodingNode {
    /// Makes the error that says why the value is no `T`.
    func mismatch(_ type: Any.Type) -> DecodingError {
        let path = codingPath
        switch position.kind {
        case .null, .deepNull:
            return .valueNotFound(type, .init(codingPath: path, debugDescription: "Found nil instead of \(type)."))
        case .string where type == String.self, .strings where type == [String].self:
            return .dataCorrupted(.init(codingPath: path, debugDescription: "A string is not UTF-8."))
        case let kind where kind.isNumber && (type is any Numeric.Type):
            return .dataCorrupted(.init(codingPath: path, debugDescription: "A number does not fit \(type)."))
        case let kind:
            return .typeMismatch(type, .init(codingPath: path, debugDescription: "Found \(kind) instead of \(type)."))
        }
    }
}

extension WireKind {
    /// Whether the kind is an integer or a floating-point number.
    fileprivate var isNumber: Bool {
        switch self {
        case .positive, .negative, .float16, .float32, .float64, .int128, .uint128: true
        case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64: true
        default: false
        }
    }
}
