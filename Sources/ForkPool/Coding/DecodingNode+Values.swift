// SPDX-License-Identifier: Apache-2.0
extension DecodingNode {
    /// Decodes a value of this one's container, and tells the end of its record.
    @inline(__always)
    func value<T: Decodable>(
        _ type: T.Type, at position: ByteReader.Position, end: inout Int, step: @autoclosure () -> CodingStep
    ) throws -> T {
        if let take = unsafe DecodingRoute.of(T.self).pointee.take {
            var memory = LeafMemory()
            let after = unsafe memory.fill { unsafe take(reader, position, $0) }
            if after > 0 {
                end = after
                return memory.value(type)
            }
        }
        return try child(type, at: position, end: &end, step: step())
    }

    @inline(never)
    private func child<T: Decodable>(
        _ type: T.Type, at position: ByteReader.Position, end: inout Int, step: CodingStep
    ) throws -> T {
        end = try endOfRecord(position)
        let decoder = try message.makeDecoder(position, in: self, step: step)
        let value = try decoder.decode(type)
        message.recycle(decoder)
        return value
    }

    func endOfRecord(_ position: ByteReader.Position) throws -> Int {
        guard let end = reader.end(of: position) else {
            throw corruption("A record is of an unknown kind or ends early.")
        }
        return end
    }

    /// How many optionals, beyond those that were unwrapped, are around the value's `nil`; nil if the value is not `nil`.
    var nullDepth: Int? {
        switch position.kind {
        case .null: 0
        case .deepNull: max(0, Int(reader.load(UInt32.self, at: position.payload) ?? 0) - depth)
        default: nil
        }
    }

    /// Reads one opaque element of the value's packed array; nil if its layout is not that of `Element`.
    func element<Element>(_ type: Element.Type, _ number: Int, of head: ByteReader.PackedHead) -> Element? {
        guard number < head.count, WireKind.element(of: type) == .opaque, reader.fits(type, .opaque, head) else {
            return nil
        }
        if elements.isEmpty {
            let copy = unsafe [UInt8](reader.bytes(head.start, head.end))
            guard unsafe copy.withUnsafeBytes({ unsafe ByteMath.checksum($0) }) == head.checksum else { return nil }
            elements = copy
        }
        return unsafe withUnsafeTemporaryAllocation(of: Element.self, capacity: 1) { buffer in
            unsafe elements.withUnsafeBytes { bytes in
                let offset = number * head.stride
                guard offset + head.size <= bytes.count else { return nil }
                let source = unsafe UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + head.size])
                unsafe UnsafeMutableRawBufferPointer(buffer).copyMemory(from: source)
                return unsafe buffer[0]
            }
        }
    }

    /// The error of a value that is not what was asked for at a step from this one.
    func mismatch(_ type: Any.Type, at position: ByteReader.Position, step: CodingStep) -> any Error {
        do {
            return try message.makeDecoder(position, in: self, step: step).node.mismatch(type)
        } catch {
            return error
        }
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
