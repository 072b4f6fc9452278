// SPDX-License-Identifier: Apache-2.0
extension Message {
    /// Reads an integer of any width or sign; nil if the record holds none, or one that `I` cannot represent.
    func integer<I: FixedWidthInteger>(_ type: I.Type, at position: Position) -> I? {
        var reader = reader(at: position.target)
        return switch position.kind {
        case .positive: (try? reader.varint()).flatMap { I(exactly: $0) }
        case .negative: (try? reader.varint()).flatMap { I(exactly: ~Int128($0)) }
        case .int128: (try? reader.memory(of: Int128.self)).flatMap { I(exactly: $0) }
        case .uint128: (try? reader.memory(of: UInt128.self)).flatMap { I(exactly: $0) }
        case .int8: (try? reader.memory(of: Int8.self)).flatMap { I(exactly: $0) }
        case .int16: (try? reader.memory(of: Int16.self)).flatMap { I(exactly: $0) }
        case .int32: (try? reader.memory(of: Int32.self)).flatMap { I(exactly: $0) }
        case .int64: (try? reader.memory(of: Int64.self)).flatMap { I(exactly: $0) }
        case .uint8: (try? reader.memory(of: UInt8.self)).flatMap { I(exactly: $0) }
        case .uint16: (try? reader.memory(of: UInt16.self)).flatMap { I(exactly: $0) }
        case .uint32: (try? reader.memory(of: UInt32.self)).flatMap { I(exactly: $0) }
        case .uint64: (try? reader.memory(of: UInt64.self)).flatMap { I(exactly: $0) }
        default: nil
        }
    }

    /// Reads a floating-point number of any width, or an integer; nil if `F` cannot represent it exactly.
    func float<F: BinaryFloatingPoint>(_ type: F.Type, at position: Position) -> F? {
        var reader = reader(at: position.target)
        switch position.kind {
        case .float16: return (try? reader.memory(of: UInt16.self)).flatMap { exact(Float16(bitPattern: $0)) }
        case .float32: return (try? reader.memory(of: UInt32.self)).flatMap { exact(Float(bitPattern: $0)) }
        case .float64: return (try? reader.memory(of: UInt64.self)).flatMap { exact(Double(bitPattern: $0)) }
        case .int8, .int16, .int32, .int64, .int128, .negative:
            return integer(Int128.self, at: position).flatMap { F(exactly: $0) }
        default: return integer(UInt128.self, at: position).flatMap { F(exactly: $0) }
        }
    }

    private func exact<Source: BinaryFloatingPoint, F: BinaryFloatingPoint>(_ source: Source) -> F? {
        if let same = source as? F { return same }
        return source.isNaN ? F(source) : F(exactly: source)
    }

    func bool(at position: Position) -> Bool? {
        switch position.kind {
        case .yes: return true
        case .no: return false
        case .bool8:
            var reader = reader(at: position.target)
            return switch try? reader.byte() {
            case 0: false
            case 1: true
            default: nil
            }
        default: return nil
        }
    }

    /// Reads a string; nil if the record holds none or its bytes are not UTF-8.
    func string(at position: Position) -> String? {
        guard position.kind == .string else { return nil }
        var reader = reader(at: position.target)
        return Self.string(&reader)
    }

    func strings(at position: Position) -> [String]? {
        var reader = reader(at: position.target)
        guard position.kind == .strings, let count = try? reader.varint() else { return nil }
        var strings: [String] = []
        strings.reserveCapacity(Int(clamping: min(count, UInt64(reader.count))))
        for _ in 0..<count {
            guard let string = Self.string(&reader) else { return nil }
            strings.append(string)
        }
        return strings
    }

    private static func string(_ reader: inout ByteReader) -> String? {
        guard let bytes = try? unsafe reader.run() else { return nil }
        return unsafe String(utf8: bytes)
    }

    /// Reads a packed array with one copy; nil if the record holds no array of exactly this kind and layout.
    func elements<Element>(_ type: Element.Type, kind: WireKind, at position: Position) -> [Element]? {
        var reader = reader(at: position.target)
        guard position.kind == .packed, let head = try? reader.packed(), fits(type, kind, head) else { return nil }
        let source = unsafe memory(at: head.start, count: head.count * head.stride)
        if kind == .bool8, unsafe source.reduce(0, |) > 1 { return nil }
        return unsafe [Element](unsafeUninitializedCapacity: head.count) { buffer, count in
            unsafe FreshMemory.populate(UnsafeMutableRawBufferPointer(buffer))
            unsafe UnsafeMutableRawBufferPointer(buffer).copyMemory(from: source)
            count = head.count
        }
    }

    /// Reads one opaque element of a packed array; nil if its layout is not that of `Element`.
    func element<Element>(_ type: Element.Type, of head: ByteReader.PackedHead, at offset: Int) -> Element? {
        guard WireKind.element(of: type) == .opaque, fits(type, .opaque, head) else { return nil }
        let source = unsafe memory(at: offset, count: head.size)
        guard source.count == head.size else { return nil }
        return unsafe withUnsafeTemporaryAllocation(of: Element.self, capacity: 1) { buffer in
            unsafe UnsafeMutableRawBufferPointer(buffer).copyMemory(from: source)
            return unsafe buffer[0]
        }
    }

    /// Returns the bytes of a packed array of bytes, where they lie; nil if the record holds none.
    func bytes(at position: Position) -> UnsafeBufferPointer<UInt8>? {
        var reader = reader(at: position.target)
        guard position.kind == .packed, let head = try? reader.packed(), head.kind == .uint8 else { return nil }
        return unsafe memory(at: head.start, count: head.count).assumingMemoryBound(to: UInt8.self)
    }

    /// Reads the element of a packed array of one opaque element; nil if its layout is not that of `Element`.
    func onlyElement<Element>(_ type: Element.Type, at position: Position) -> Element? {
        var reader = reader(at: position.target)
        guard position.kind == .packed, let head = try? reader.packed(), head.count == 1 else { return nil }
        return element(type, of: head, at: head.start)
    }

    private func fits<Element>(_ type: Element.Type, _ kind: WireKind, _ head: ByteReader.PackedHead) -> Bool {
        guard head.kind == kind else { return false }
        return head.stride == MemoryLayout<Element>.stride && head.size == MemoryLayout<Element>.size
            || kind != .opaque
    }

    private func memory(at offset: Int, count: Int) -> UnsafeRawBufferPointer {
        var reader = reader(at: offset)
        guard (try? reader.skip(UInt64(count))) != nil else { return unsafe .init(start: nil, count: 0) }
        return unsafe reader.passed(since: offset)
    }

    /// Decodes the value at a position; a scalar without a node.
    @inline(__always)
    func value<T: Decodable>(
        _ type: T.Type, at position: Position, in owner: DecodingNode?, step: @autoclosure () -> CodingStep
    ) throws -> T {
        if T.self == Int.self, let value = Int.read(from: self, at: position) { return cast(value) }
        if T.self == String.self, let value = String.read(from: self, at: position) { return cast(value) }
        if T.self == Double.self, let value = Double.read(from: self, at: position) { return cast(value) }
        if T.self == Bool.self, let value = Bool.read(from: self, at: position) { return cast(value) }
        if T.self == Float.self, let value = Float.read(from: self, at: position) { return cast(value) }
        if T.self == Int8.self, let value = Int8.read(from: self, at: position) { return cast(value) }
        if T.self == Int16.self, let value = Int16.read(from: self, at: position) { return cast(value) }
        if T.self == Int32.self, let value = Int32.read(from: self, at: position) { return cast(value) }
        if T.self == Int64.self, let value = Int64.read(from: self, at: position) { return cast(value) }
        if T.self == UInt.self, let value = UInt.read(from: self, at: position) { return cast(value) }
        if T.self == UInt8.self, let value = UInt8.read(from: self, at: position) { return cast(value) }
        if T.self == UInt16.self, let value = UInt16.read(from: self, at: position) { return cast(value) }
        if T.self == UInt32.self, let value = UInt32.read(from: self, at: position) { return cast(value) }
        if T.self == UInt64.self, let value = UInt64.read(from: self, at: position) { return cast(value) }
        return try decode(type, at: position, in: owner, step: step())
    }

    /// Gives a scalar its other name.
    @inline(__always)
    private func cast<Scalar, T>(_ value: Scalar) -> T {
        unsafe unsafeBitCast(value, to: T.self)
    }
}
