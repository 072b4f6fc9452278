// SPDX-License-Identifier: Apache-2.0
/// A value that is being encoded: the encoder that its `encode(to:)` gets, and its single-value container.
///
/// A node outlives the containers made from it, because a class and its superclass may both ask for the container.
final class EncodingNode: Encoder, CodingPathNode {
    private enum Contents {
        case nothing
        case value
        case container(WireKind)
    }

    let writer: MessageWriter
    /// The number of the container that the value opened.
    private(set) var container: UInt32 = 0
    /// The number of values in the value's unkeyed container.
    var count = 0
    /// The number of optionals that are known to be around the value.
    var depth = 0

    private(set) var owner: EncodingNode?
    private(set) var step = CodingStep.root
    private var contents = Contents.nothing
    /// The numbers of the container that the value is in, and of the container around that one.
    private var holder: UInt32 = 0
    private var holderParent: UInt32 = 0

    init(writer: MessageWriter) {
        self.writer = writer
    }

    func occupy(in owner: EncodingNode?, step: CodingStep, container: UInt32, parent: UInt32) {
        self.owner = owner
        self.step = step
        holder = container
        holderParent = parent
    }

    /// Gives the place up, so that the node can take another one.
    func vacate() {
        owner = nil
        step = .root
        contents = .nothing
        count = 0
        depth = 0
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        open(.keyed)
        return KeyedEncodingContainer(KeyedWriter<Key>(node: self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        open(.unkeyed)
        return UnkeyedWriter(node: self)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }
}

extension EncodingNode: SingleValueEncodingContainer {
    func encodeNil() throws {
        try writer.write(nullIn: depth, at: claim(for: Optional<Never>.none as Any))
    }

    func encode(_ value: Int128) throws {
        try writer.write(integer: value, at: claim(for: value))
    }

    func encode(_ value: UInt128) throws {
        try writer.write(integer: value, at: claim(for: value))
    }

    func encode<T: Encodable>(_ value: T) throws {
        if try writer.write(common: value, at: claim(for: value)) { return }
        let route = unsafe writer.routes.route(of: T.self) { EncodingRoute(encoding: $0) }
        if let direct = route.direct {
            try encode(value, as: direct, plan: route.plan)
        } else {
            try writer.deepen()
            try value.encode(to: self)
            if case .nothing = contents { try writer.begin(.empty, at: claim(for: self)) }
        }
    }

    private func encode<T, Direct: DirectlyEncodable>(_ value: T, as type: Direct.Type, plan: TransferPlan) throws {
        try unsafe unsafeBitCast(value, to: Direct.self).encode(at: self, plan: plan)
    }
}

extension EncodingNode {
    /// Opens the value's container unless it is open; a failure stays in the writer, because no caller can throw.
    func open(_ kind: WireKind) {
        switch contents {
        case .nothing:
            // The place stays taken even without space, so that the first failure is the one that is reported.
            if let number = try? writer.open(kind, at: place) { container = number }
            contents = .container(kind)
        case .container(kind):
            break
        case .value, .container:
            writer.fail(doubleUse(of: self))
        }
    }

    func child(_ step: CodingStep) -> EncodingNode {
        writer.makeNode(in: self, step: step, container: container, parent: holder)
    }

    func nested(_ kind: WireKind, step: CodingStep) -> EncodingNode {
        let node = child(step)
        node.open(kind)
        return node
    }

    @inline(__always)
    func place(named name: String?) -> MessageWriter.Place {
        MessageWriter.Place(container: container, parent: holder, name: name)
    }

    func encode<T: Encodable>(_ value: T, step: CodingStep) throws {
        let node = child(step)
        try node.encode(value)
        writer.recycle(node)
    }

    /// Takes the node's own place; throws if something was written there before.
    func claim(for value: @autoclosure () -> Any) throws -> MessageWriter.Place {
        guard case .nothing = contents else { throw writer.fail(doubleUse(of: value())) }
        contents = .value
        return place
    }

    private var place: MessageWriter.Place {
        MessageWriter.Place(container: holder, parent: holderParent, name: step.name)
    }

    private func doubleUse(of value: Any) -> EncodingError {
        let text = "One place was written twice, or as two kinds of container."
        return .invalidValue(value, .init(codingPath: codingPath, debugDescription: text))
    }
}
