/// One value on its way into a message: its place, and what was written there so far.
///
/// A node outlives the containers made from it, because a class and its superclass may both ask for the container.
final class EncodingNode: Encoder {
    /// What a node's value has turned out to be.
    enum Contents {
        case nothing
        case value
        case container(WireKind)
    }

    /// The writer of the message.
    let writer: MessageWriter
    /// What was written for the value so far.
    private(set) var contents = Contents.nothing
    /// The number of the container that the value opened.
    private(set) var container: UInt32 = 0
    /// The number of the container that the value is in.
    private(set) var holder: UInt32 = 0
    /// The number of values in the value's unkeyed container.
    var count = 0
    /// The number of optionals that the value is known to be inside of.
    var depth = 0

    private var owner: EncodingNode?
    private var step = CodingStep.root
    private var holderParent: UInt32 = 0

    /// Makes a node that is not in use yet.
    init(writer: MessageWriter) {
        self.writer = writer
    }

    /// Takes a place.
    func occupy(in owner: EncodingNode?, step: CodingStep, container: UInt32, parent: UInt32) {
        self.owner = owner
        self.step = step
        holder = container
        holderParent = parent
    }

    /// Gives the place up, so that the node can be used for another value.
    func vacate() {
        owner = nil
        step = .root
        contents = .nothing
        count = 0
        depth = 0
    }

    /// The keys that lead to the value.
    var codingPath: [any CodingKey] {
        var path: [any CodingKey] = []
        var node: EncodingNode? = self
        while let current = node {
            if let key = current.step.codingKey { path.append(key) }
            node = current.owner
        }
        return path.reversed()
    }

    /// Always empty.
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        open(.keyed)
        return KeyedEncodingContainer(KeyedWriter<Key>(node: self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        open(.unkeyed)
        return UnkeyedWriter(node: self)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        SingleValueWriter(node: self)
    }
}

extension EncodingNode {
    /// Opens the value's container unless it is open; a failure waits in the writer, for no caller can throw.
    func open(_ kind: WireKind) {
        switch contents {
        case .nothing:
            // The place stays taken even when there is no space, so that the first failure is the one reported.
            if let number = try? writer.open(kind, at: place) { container = number }
            contents = .container(kind)
        case .container(kind):
            break
        case .value, .container:
            writer.fail(doubleUse(of: self))
        }
    }

    /// Makes the node of a value in this node's container.
    func child(_ step: CodingStep) -> EncodingNode {
        writer.makeNode(in: self, step: step, container: container, parent: holder)
    }

    /// Returns the place of a scalar in this node's container.
    @inline(__always)
    func place(named name: String?) -> MessageWriter.Place {
        MessageWriter.Place(container: container, parent: holder, name: name)
    }

    /// Encodes a value at this node's own place.
    func encode<T: Encodable>(_ value: T) throws {
        let route = unsafe writer.routes.route(of: T.self) { EncodingRoute($0) }
        if let direct = route.direct {
            try encode(value, as: direct, plan: route.plan)
        } else {
            try value.encode(to: self)
            if case .nothing = contents { try begin(.empty) }
        }
    }

    private func encode<T, Direct: DirectlyEncodable>(_ value: T, as type: Direct.Type, plan: TransferPlan) throws {
        try unsafe unsafeBitCast(value, to: Direct.self).encode(at: self, plan: plan)
    }

    /// Encodes a value in this node's container.
    func encode<T: Encodable>(_ value: T, step: CodingStep) throws {
        let node = child(step)
        try node.encode(value)
        writer.recycle(node)
    }

    /// Returns the node's own place, which from now on is taken.
    /// - Throws: `EncodingError.invalidValue` when something was written there before.
    func claim(for value: @autoclosure () -> Any) throws -> MessageWriter.Place {
        guard case .nothing = contents else { throw writer.fail(doubleUse(of: value())) }
        contents = .value
        return place
    }

    private func begin(_ kind: WireKind) throws {
        try writer.begin(kind, at: claim(for: self))
    }

    private var place: MessageWriter.Place {
        MessageWriter.Place(container: holder, parent: holderParent, name: step.name)
    }

    private func doubleUse(of value: Any) -> EncodingError {
        .invalidValue(
            value,
            .init(
                codingPath: codingPath,
                debugDescription: "One place was written twice, or as two kinds of container."
            )
        )
    }
}

extension EncodingNode {
    /// Opens a container inside this node's container.
    /// - Returns: The node of the new container.
    func nested(_ kind: WireKind, step: CodingStep) -> EncodingNode {
        let node = child(step)
        node.open(kind)
        return node
    }
}
