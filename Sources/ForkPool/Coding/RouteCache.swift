// SPDX-License-Identifier: Apache-2.0
/// How values of a type are laid out in a message, if the coder handles the type itself.
enum TransferPlan: Equatable {
    /// The type's own Codable conformance is used.
    case codable
    /// The type is one scalar record, or an optional.
    case direct
    /// The type is a sequence of strings that share a record.
    case strings
    /// The type is a sequence of trivial elements whose memory is copied.
    case packed(WireKind)
}

/// A type that the coder encodes itself instead of calling its Encodable conformance.
protocol DirectlyEncodable {
    /// How values of the type are encoded; asked once per type.
    static var encodingPlan: TransferPlan { get }
    func encode(at node: EncodingNode, plan: TransferPlan) throws
}

/// A type that the coder decodes itself instead of calling its Decodable conformance.
protocol DirectlyDecodable {
    /// How values of the type are decoded; asked once per type.
    static var decodingPlan: TransferPlan { get }
    static func decode(at node: DecodingNode, plan: TransferPlan) throws -> Self
}

struct Route<Direct> {
    /// The type, if the coder handles it itself.
    let direct: Direct?
    let plan: TransferPlan

    private init(_ direct: Direct?, _ plan: TransferPlan?) {
        self.plan = plan ?? .codable
        self.direct = self.plan == .codable ? nil : direct
    }
}

typealias EncodingRoute = Route<any DirectlyEncodable.Type>
typealias DecodingRoute = Route<any DirectlyDecodable.Type>

extension EncodingRoute {
    init(encoding type: Any.Type) {
        let direct = FoundationTypes.direct(type) ?? type as? any DirectlyEncodable.Type
        self.init(direct, direct?.encodingPlan)
    }
}

extension DecodingRoute {
    init(decoding type: Any.Type) {
        let direct = FoundationTypes.direct(type) ?? type as? any DirectlyDecodable.Type
        self.init(direct, direct?.decodingPlan)
    }
}

/// Remembers the route of each type, because dynamic casts are slow and take locks.
struct RouteCache<Route> {
    private struct Slot {
        var type: ObjectIdentifier
        var route: Route
    }

    private let slotBits: Int
    private var slots: ContiguousArray<Slot?> = []
    private var evicted: [ObjectIdentifier: Route] = [:]

    /// Makes a cache that finds 2^`slotBits` types without hashing, and allocates at its first use.
    init(slotBits: Int) {
        self.slotBits = slotBits
    }

    mutating func route(of type: Any.Type, decide: (Any.Type) -> Route) -> Route {
        let identity = ObjectIdentifier(type)
        let bits = UInt(bitPattern: identity) &* 0x9E37_79B9_7F4A_7C15
        let index = Int(bits >> UInt(UInt.bitWidth &- slotBits))
        if !slots.isEmpty, let slot = slots[index], slot.type == identity { return slot.route }
        return replace(at: index, identity, type, decide: decide)
    }

    @inline(never)
    private mutating func replace(
        at index: Int, _ identity: ObjectIdentifier, _ type: Any.Type, decide: (Any.Type) -> Route
    ) -> Route {
        if slots.isEmpty { slots = .init(repeating: nil, count: 1 << slotBits) }
        let route = (evicted.isEmpty ? nil : evicted.removeValue(forKey: identity)) ?? decide(type)
        if let old = slots[index] { evicted[old.type] = old.route }
        slots[index] = Slot(type: identity, route: route)
        return route
    }
}
