/// Says how the elements of a type that the coder handles itself are laid out in a message.
enum TransferPlan: Equatable {
    /// The type's own Codable conformance is used.
    case codable
    /// The type is written as one scalar record, or hides the optional's `nil`.
    case direct
    /// The type is a sequence of strings that share a record.
    case strings
    /// The type is a sequence of trivial elements whose memory is copied.
    case packed(WireKind)
}

/// A type that the coder encodes itself, past the type's own Encodable conformance.
protocol DirectlyEncodable {
    /// Decides how values of the type are encoded; asked once per type.
    static var encodingPlan: TransferPlan { get }
    /// Encodes the value at a node's place.
    func encode(at node: EncodingNode, plan: TransferPlan) throws
}

/// A type that the coder decodes itself, past the type's own Decodable conformance.
protocol DirectlyDecodable {
    /// Decides how values of the type are decoded; asked once per type.
    static var decodingPlan: TransferPlan { get }
    /// Decodes the value that a node stands for.
    static func decode(at node: DecodingNode, plan: TransferPlan) throws -> Self
}

/// How a type is encoded.
struct EncodingRoute {
    /// The type when the coder encodes it itself.
    let direct: (any DirectlyEncodable.Type)?
    /// How it does so.
    let plan: TransferPlan

    /// Decides about a type, with a dynamic cast.
    init(_ type: Any.Type) {
        let found = type as? any DirectlyEncodable.Type
        plan = found?.encodingPlan ?? .codable
        direct = plan == .codable ? nil : found
    }
}

/// How a type is decoded.
struct DecodingRoute {
    /// The type when the coder decodes it itself.
    let direct: (any DirectlyDecodable.Type)?
    /// How it does so.
    let plan: TransferPlan

    /// Decides about a type, with a dynamic cast.
    init(_ type: Any.Type) {
        let found = type as? any DirectlyDecodable.Type
        plan = found?.decodingPlan ?? .codable
        direct = plan == .codable ? nil : found
    }
}

/// Remembers what was decided about each type, because dynamic casts are slow and take locks.
struct RouteCache<Route> {
    private struct Slot {
        var type: ObjectIdentifier
        var route: Route
    }

    private let slotBits: Int
    private var slots: ContiguousArray<Slot?> = []
    private var evicted: [ObjectIdentifier: Route] = [:]

    /// Makes an empty cache, which allocates at its first use.
    /// - Parameter slotBits: The binary logarithm of the number of types that are found without hashing.
    init(slotBits: Int) {
        self.slotBits = slotBits
    }

    /// Returns the route of a type, and decides about it when it is new.
    /// - Complexity: O(1), expected.
    mutating func route(of type: Any.Type, decide: (Any.Type) -> Route) -> Route {
        let identity = ObjectIdentifier(type)
        let bits = UInt(bitPattern: identity) &* 0x9E37_79B9_7F4A_7C15
        let index = Int(bits >> UInt(UInt.bitWidth &- slotBits))
        if !slots.isEmpty, let slot = slots[index], slot.type == identity { return slot.route }
        return replace(at: index, identity, type, decide: decide)
    }

    @inline(never)
    private mutating func replace(
        at index: Int,
        _ identity: ObjectIdentifier,
        _ type: Any.Type,
        decide: (Any.Type) -> Route
    ) -> Route {
        if slots.isEmpty { slots = .init(repeating: nil, count: 1 << slotBits) }
        let route = (evicted.isEmpty ? nil : evicted.removeValue(forKey: identity)) ?? decide(type)
        if let old = slots[index] { evicted[old.type] = old.route }
        slots[index] = Slot(type: identity, route: route)
        return route
    }
}
