extension DirectlyEncodable where Self: FixedWidthInteger & BitwiseCopyable {
    static var encodingPlan: TransferPlan { .direct }

    func encode(at node: EncodingNode, plan: TransferPlan) throws {
        try node.writer.write(integer: self, at: node.claim(for: self))
    }
}

extension DirectlyDecodable where Self: FixedWidthInteger & Decodable {
    static var decodingPlan: TransferPlan { .direct }

    static func decode(at node: DecodingNode, plan: TransferPlan) throws -> Self {
        guard let value = node.message.integer(Self.self, at: node.position) else { throw node.mismatch(Self.self) }
        return value
    }
}

extension DirectlyDecodable where Self: BinaryFloatingPoint & Decodable {
    static var decodingPlan: TransferPlan { .direct }

    static func decode(at node: DecodingNode, plan: TransferPlan) throws -> Self {
        guard let value = node.message.float(Self.self, at: node.position) else { throw node.mismatch(Self.self) }
        return value
    }
}

extension Int: DirectlyEncodable, DirectlyDecodable {}
extension Int8: DirectlyEncodable, DirectlyDecodable {}
extension Int16: DirectlyEncodable, DirectlyDecodable {}
extension Int32: DirectlyEncodable, DirectlyDecodable {}
extension Int64: DirectlyEncodable, DirectlyDecodable {}
extension Int128: DirectlyEncodable, DirectlyDecodable {}
extension UInt: DirectlyEncodable, DirectlyDecodable {}
extension UInt8: DirectlyEncodable, DirectlyDecodable {}
extension UInt16: DirectlyEncodable, DirectlyDecodable {}
extension UInt32: DirectlyEncodable, DirectlyDecodable {}
extension UInt64: DirectlyEncodable, DirectlyDecodable {}
extension UInt128: DirectlyEncodable, DirectlyDecodable {}

extension Float16: DirectlyEncodable, DirectlyDecodable {
    static var encodingPlan: TransferPlan { .direct }

    func encode(at node: EncodingNode, plan: TransferPlan) throws {
        try node.writer.write(self, at: node.claim(for: self))
    }
}

extension Float: DirectlyEncodable, DirectlyDecodable {
    static var encodingPlan: TransferPlan { .direct }

    func encode(at node: EncodingNode, plan: TransferPlan) throws {
        try node.writer.write(self, at: node.claim(for: self))
    }
}

extension Double: DirectlyEncodable, DirectlyDecodable {
    static var encodingPlan: TransferPlan { .direct }

    func encode(at node: EncodingNode, plan: TransferPlan) throws {
        try node.writer.write(self, at: node.claim(for: self))
    }
}

extension Bool: DirectlyEncodable, DirectlyDecodable {
    static var encodingPlan: TransferPlan { .direct }
    static var decodingPlan: TransferPlan { .direct }

    func encode(at node: EncodingNode, plan: TransferPlan) throws {
        try node.writer.write(self, at: node.claim(for: self))
    }

    static func decode(at node: DecodingNode, plan: TransferPlan) throws -> Bool {
        guard let value = node.message.bool(at: node.position) else { throw node.mismatch(Bool.self) }
        return value
    }
}

extension String: DirectlyEncodable, DirectlyDecodable {
    static var encodingPlan: TransferPlan { .direct }
    static var decodingPlan: TransferPlan { .direct }

    func encode(at node: EncodingNode, plan: TransferPlan) throws {
        try node.writer.write(self, at: node.claim(for: self))
    }

    static func decode(at node: DecodingNode, plan: TransferPlan) throws -> String {
        guard let value = node.message.string(at: node.position) else { throw node.mismatch(String.self) }
        return value
    }
}
