// SPDX-License-Identifier: Apache-2.0
internal import Glibc

extension ByteReader {
    /// Reads an integer of any width or sign; nil if the record holds none, or one that `I` cannot represent.
    @inline(__always)
    func integer<I: FixedWidthInteger>(_ type: I.Type, at position: Position) -> I? {
        switch position.kind {
        case .int8: load(Int8.self, at: position.payload).flatMap { I(exactly: $0) }
        case .int16: load(Int16.self, at: position.payload).flatMap { I(exactly: $0) }
        case .int32: load(Int32.self, at: position.payload).flatMap { I(exactly: $0) }
        case .int64: load(Int64.self, at: position.payload).flatMap { I(exactly: $0) }
        default: otherInteger(type, at: position)
        }
    }

    @inline(never)
    private func otherInteger<I: FixedWidthInteger>(_ type: I.Type, at position: Position) -> I? {
        switch position.kind {
        case .uint8: load(UInt8.self, at: position.payload).flatMap { I(exactly: $0) }
        case .uint16: load(UInt16.self, at: position.payload).flatMap { I(exactly: $0) }
        case .uint32: load(UInt32.self, at: position.payload).flatMap { I(exactly: $0) }
        case .uint64: load(UInt64.self, at: position.payload).flatMap { I(exactly: $0) }
        case .int128: load(Int128.self, at: position.payload).flatMap { I(exactly: $0) }
        case .uint128: load(UInt128.self, at: position.payload).flatMap { I(exactly: $0) }
        default: nil
        }
    }

    /// Reads a floating-point number of any width, or an integer; nil if `F` cannot represent it exactly.
    @inline(__always)
    func float<F: BinaryFloatingPoint>(_ type: F.Type, at position: Position) -> F? {
        if position.kind == .float64, F.self == Double.self {
            return load(Double.self, at: position.payload).map { unsafe unsafeBitCast($0, to: F.self) }
        }
        return otherFloat(type, at: position)
    }

    @inline(never)
    private func otherFloat<F: BinaryFloatingPoint>(_ type: F.Type, at position: Position) -> F? {
        switch position.kind {
        case .float16: load(UInt16.self, at: position.payload).flatMap { exact(Float16(bitPattern: $0)) }
        case .float32: load(UInt32.self, at: position.payload).flatMap { exact(Float(bitPattern: $0)) }
        case .float64: load(UInt64.self, at: position.payload).flatMap { exact(Double(bitPattern: $0)) }
        case .int8, .int16, .int32, .int64, .int128: integer(Int128.self, at: position).flatMap { F(exactly: $0) }
        default: integer(UInt128.self, at: position).flatMap { F(exactly: $0) }
        }
    }

    private func exact<Source: BinaryFloatingPoint, F: BinaryFloatingPoint>(_ source: Source) -> F? {
        if let same = source as? F { return same }
        return source.isNaN ? F(source) : F(exactly: source)
    }

    @inline(__always)
    func bool(at position: Position) -> Bool? {
        switch position.kind {
        case .yes: true
        case .no: false
        case .bool8: load(UInt8.self, at: position.payload).flatMap { $0 > 1 ? nil : $0 == 1 }
        default: nil
        }
    }

    /// Reads a string, and returns the end of its record; nil if the record holds none or its bytes are not UTF-8.
    @inline(__always)
    func string(at position: Position, end: inout Int) -> String? {
        guard position.kind == .string else { return nil }
        end = position.payload
        return text(at: &end)
    }

    /// Reads a string behind its length, and moves the offset to its end.
    func text(at offset: inout Int) -> String? {
        unsafe run(at: &offset).flatMap { unsafe String(utf8: $0) }
    }

    func strings(at position: Position, end: inout Int) -> [String]? {
        end = position.payload
        guard position.kind == .strings, let count = length(at: &end) else { return nil }
        var strings: [String] = []
        // A damaged count may be that of all memory.
        strings.reserveCapacity(min(count, 1 << 16))
        for _ in 0..<count {
            guard let string = text(at: &end) else { return nil }
            strings.append(string)
        }
        return strings
    }

    /// Reads a packed array with one copy; nil if the record holds no array of exactly this kind and layout.
    func elements<Element>(
        _ type: Element.Type, kind: WireKind, at position: Position, end: inout Int
    ) -> [Element]? {
        guard position.kind == .packed, let head = packed(at: position.payload), fits(type, kind, head) else {
            return nil
        }
        end = head.end
        let elements = unsafe [Element](unsafeUninitializedCapacity: head.count) { buffer, count in
            unsafe FreshMemory.populate(UnsafeMutableRawBufferPointer(buffer))
            unsafe UnsafeMutableRawBufferPointer(buffer).copyMemory(from: bytes(head.start, head.end))
            count = head.count
        }
        // The copy is checked, because the message can change.
        let isValid = unsafe elements.withUnsafeBytes { copy in
            if kind == .bool8 { return unsafe copy.reduce(0, |) <= 1 }
            return unsafe head.checksum == nil || ByteMath.checksum(copy) == head.checksum
        }
        return isValid ? elements : nil
    }

    /// Copies the element of a packed array of one opaque element; returns the record's end, or 0 if there is none.
    func onlyElement<Element>(_ type: Element.Type, at position: Position, to memory: UnsafeMutableRawPointer) -> Int {
        guard position.kind == .packed, let head = packed(at: position.payload), head.count == 1,
            fits(type, .opaque, head), head.size == head.stride
        else { return 0 }
        let copy = unsafe UnsafeMutableRawBufferPointer(start: memory, count: head.stride)
        unsafe copy.copyMemory(from: bytes(head.start, head.end))
        return unsafe ByteMath.checksum(UnsafeRawBufferPointer(copy)) == head.checksum ? head.end : 0
    }

    func fits<Element>(_ type: Element.Type, _ kind: WireKind, _ head: PackedHead) -> Bool {
        guard head.kind == kind else { return false }
        return head.stride == MemoryLayout<Element>.stride && head.size == MemoryLayout<Element>.size
            || kind != .opaque
    }
}

extension String {
    /// Makes a string of a copy of some UTF-8; nil if the bytes are none.
    ///
    /// It compares what is made, which is repaired where needed: `String(validating:as:)` takes several times as long.
    @inline(__always)
    init?(utf8 bytes: UnsafeRawBufferPointer) {
        self = unsafe String(unsafeUninitializedCapacity: bytes.count) { buffer in
            if let source = bytes.baseAddress, let target = buffer.baseAddress {
                unsafe memcpy(target, source, bytes.count)
            }
            return bytes.count
        }
        let isSame = withUTF8 { text in
            guard text.count == bytes.count else { return false }
            guard let left = text.baseAddress, let right = bytes.baseAddress else { return true }
            return unsafe ByteMath.areEqual(left, right, count: text.count)
        }
        guard isSame else { return nil }
    }
}
