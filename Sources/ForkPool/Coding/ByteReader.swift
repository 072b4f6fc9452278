// SPDX-License-Identifier: Apache-2.0
/// Reads a message; no read goes beyond its end.
///
/// Another process may write to the bytes meanwhile. So each is read once, into a copy that is checked and then used; an offset
/// that was checked stays within the message, whatever is there by then.
@safe struct ByteReader {
    /// The kind of a record, or of an element of a packed array, and the offset of its payload.
    struct Position {
        var kind: WireKind
        var payload: Int
    }

    /// The end of the message, in bytes from its start.
    let limit: Int
    let base: UnsafeRawPointer?

    init(_ bytes: UnsafeRawBufferPointer) {
        unsafe base = bytes.baseAddress
        limit = bytes.count
    }

    @inline(__always)
    func load<T: BitwiseCopyable>(_ type: T.Type, at offset: Int) -> T? {
        guard offset <= limit &- MemoryLayout<T>.size, let base = unsafe base else { return nil }
        return unsafe base.loadUnaligned(fromByteOffset: offset, as: type)
    }

    @inline(__always)
    func kind(at offset: Int) -> WireKind? {
        load(UInt8.self, at: offset).flatMap { WireKind(rawValue: $0) }
    }

    @inline(__always)
    func position(at offset: Int) -> Position? {
        kind(at: offset).map { Position(kind: $0, payload: offset &+ 1) }
    }

    /// Reads an unsigned integer of at most 64 bits, and moves the offset behind it.
    @inline(__always)
    func varint(at offset: inout Int) -> UInt64? {
        guard let first = load(UInt8.self, at: offset) else { return nil }
        offset &+= 1
        return first < 0x80 ? UInt64(first) : varint(startingWith: first, at: &offset)
    }

    private func varint(startingWith first: UInt8, at offset: inout Int) -> UInt64? {
        var value = UInt64(first & 0x7F)
        var shift: UInt64 = 7
        while let next = load(UInt8.self, at: offset), shift < 63 || next < 2 {
            offset &+= 1
            value |= UInt64(next & 0x7F) << shift
            if next < 0x80 { return value }
            shift &+= 7
        }
        return nil
    }

    /// Reads the number of units of `size` bytes that follow it, and moves the offset to them; nil if the message has fewer.
    @inline(__always)
    func length(at offset: inout Int, size: Int = 1) -> Int? {
        guard let length = varint(at: &offset), length <= UInt64((limit &- offset) / size) else { return nil }
        return Int(length)
    }

    /// Returns the bytes from one offset to another; none if they are not both in the message.
    @inline(__always)
    func bytes(_ start: Int, _ end: Int) -> UnsafeRawBufferPointer {
        guard start >= 0, start <= end, end <= limit, let base = unsafe base else {
            return unsafe .init(start: nil, count: 0)
        }
        return unsafe UnsafeRawBufferPointer(start: base + start, count: end &- start)
    }

    /// Reads the bytes that follow their length, and moves the offset behind them.
    @inline(__always)
    func run(at offset: inout Int) -> UnsafeRawBufferPointer? {
        guard let count = length(at: &offset) else { return nil }
        defer { offset &+= count }
        return unsafe bytes(offset, offset &+ count)
    }

    /// Reads the head of a container whose values the message has.
    @inline(__always)
    func head(at offset: Int) -> ContainerHead? {
        guard let bits = load(UInt64.self, at: offset) else { return nil }
        let head = ContainerHead(bits: bits)
        return head.length <= limit &- offset &- ContainerHead.size ? head : nil
    }

    // MARK: - Keys

    /// Returns where the key at an offset ends, if it has this text; else nil.
    @inline(__always)
    func match(_ text: UnsafePointer<KeyTable.Text>, at offset: Int) -> Int? {
        let end = unsafe offset &+ 1 &+ text.pointee.length
        if unsafe text.pointee.length <= KeyTable.headLength, offset &+ 16 <= limit, let base = unsafe base {
            let head = unsafe (base + offset).loadUnaligned(as: (UInt64, UInt64).self)
            let low = unsafe (head.0 ^ text.pointee.head.0) & text.pointee.mask.0
            let high = unsafe (head.1 ^ text.pointee.head.1) & text.pointee.mask.1
            return low | high == 0 ? end : nil
        }
        return unsafe match(unsafe text.pointee.utf8, at: offset)
    }

    func match(_ name: UnsafeRawBufferPointer, at offset: Int) -> Int? {
        guard let (start, end) = key(at: offset), end &- start == name.count else { return nil }
        guard let left = name.baseAddress, let right = unsafe bytes(start, end).baseAddress else { return end }
        return unsafe ByteMath.areEqual(left, right, count: name.count) ? end : nil
    }

    /// Returns where the text of the key at an offset starts and ends.
    @inline(__always)
    func key(at offset: Int) -> (start: Int, end: Int)? {
        guard let length = load(UInt8.self, at: offset) else { return nil }
        if Int(length) < WireText.longLength {
            let end = offset &+ 1 &+ Int(length)
            return end <= limit ? (offset &+ 1, end) : nil
        }
        guard let long = load(UInt64.self, at: offset &+ 1), long <= UInt64(limit &- offset &- 9) else { return nil }
        return (offset &+ 9, offset &+ 9 &+ Int(long))
    }

    // MARK: - Ends

    /// Returns where a record ends; nil if the message ends before that.
    @inline(__always)
    func end(of position: Position) -> Int? {
        if let size = position.kind.payloadSize {
            return position.payload &+ size <= limit ? position.payload &+ size : nil
        }
        return endOfVariable(position)
    }

    private func endOfVariable(_ position: Position) -> Int? {
        var offset = position.payload
        switch position.kind {
        case .string:
            return length(at: &offset).map { offset + $0 }
        case .strings:
            guard let count = length(at: &offset) else { return nil }
            for _ in 0..<count where unsafe run(at: &offset) == nil { return nil }
            return offset
        case .packed:
            return packed(at: offset)?.end
        case .keyed, .keyedAgain, .unkeyed, .wrapper:
            return head(at: offset).map { offset + ContainerHead.size + $0.length }
        default:
            return nil
        }
    }

    struct PackedHead {
        var kind: WireKind
        var count: Int
        /// The distance from one element to the next, and the size of an element, in bytes.
        var stride: Int
        var size: Int
        /// Where the elements are.
        var start: Int
        var end: Int
        var checksum: UInt64?
    }

    /// Reads the head of a packed array whose elements the message has.
    @inline(__always)
    func packed(at start: Int) -> PackedHead? {
        var offset = start + 1
        guard let kind = kind(at: start), var stride = kind.elementStride, let count = varint(at: &offset) else {
            return nil
        }
        var size = stride
        var checksum: UInt64?
        if kind == .opaque {
            guard let units = varint(at: &offset), units > 0, units < 1 << 31, let bytes = varint(at: &offset),
                bytes <= units, let sum = load(UInt64.self, at: offset)
            else { return nil }
            (stride, size, checksum) = (Int(units), Int(bytes), sum)
            offset += 8
        }
        guard count <= UInt64((limit - offset) / stride) else { return nil }
        return PackedHead(
            kind: kind, count: Int(count), stride: stride, size: size, start: offset,
            end: offset + Int(count) * stride, checksum: checksum)
    }
}
