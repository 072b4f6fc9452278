// SPDX-License-Identifier: Apache-2.0
/// A type whose values are one scalar record each.
protocol ScalarCodable: DirectlyEncodable, DirectlyDecodable {
    func write(to writer: MessageWriter, at place: MessageWriter.Place) throws
    /// Reads a value; nil if the record holds none that the type can represent.
    static func read(from message: Message, at position: Message.Position) -> Self?
}

extension ScalarCodable {
    static var encodingPlan: TransferPlan { .direct }
    static var decodingPlan: TransferPlan { .direct }

    func encode(at node: EncodingNode, plan: TransferPlan) throws {
        try write(to: node.writer, at: node.claim(for: self))
    }

    static func decode(at node: DecodingNode, plan: TransferPlan) throws -> Self {
        guard let value = read(from: node.message, at: node.position) else { throw node.mismatch(Self.self) }
        return value
    }
}

extension ScalarCodable where Self: FixedWidthInteger & BitwiseCopyable {
    func write(to writer: MessageWriter, at place: MessageWriter.Place) throws {
        try writer.write(integer: self, at: place)
    }

    @inline(__always)
    static func read(from message: Message, at position: Message.Position) -> Self? {
        message.integer(Self.self, at: position)
    }
}

extension ScalarCodable where Self: BinaryFloatingPoint & BitwiseCopyable {
    func write(to writer: MessageWriter, at place: MessageWriter.Place) throws {
        try writer.write(float: self, at: place)
    }

    @inline(__always)
    static func read(from message: Message, at position: Message.Position) -> Self? {
        message.float(Self.self, at: position)
    }
}

extension Int: ScalarCodable {}
extension Int8: ScalarCodable {}
extension Int16: ScalarCodable {}
extension Int32: ScalarCodable {}
extension Int64: ScalarCodable {}
extension Int128: ScalarCodable {}
extension UInt: ScalarCodable {}
extension UInt8: ScalarCodable {}
extension UInt16: ScalarCodable {}
extension UInt32: ScalarCodable {}
extension UInt64: ScalarCodable {}
extension UInt128: ScalarCodable {}
extension Float16: ScalarCodable {}
extension Float: ScalarCodable {}
extension Double: ScalarCodable {}

extension Bool: ScalarCodable {
    func write(to writer: MessageWriter, at place: MessageWriter.Place) throws {
        try writer.write(self, at: place)
    }

    static func read(from message: Message, at position: Message.Position) -> Bool? {
        message.bool(at: position)
    }
}

extension String: ScalarCodable {
    func write(to writer: MessageWriter, at place: MessageWriter.Place) throws {
        try writer.write(self, at: place)
    }

    static func read(from message: Message, at position: Message.Position) -> String? {
        message.string(at: position)
    }
}
