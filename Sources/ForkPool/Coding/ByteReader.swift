// SPDX-License-Identifier: Apache-2.0

/// Why bytes are not a message.
struct Corruption: Error {
    let reason: StaticString
    /// Where it was found, in bytes from the start.
    let offset: Int
}

/// Reads a message from front to back; no read goes beyond its end.
@safe struct ByteReader {
    /// Where the next read starts, in bytes from the start.
    var offset: Int
    let count: Int
    private let base: UnsafeRawPointer?

    init(_ bytes: UnsafeRawBufferPointer, at offset: Int = 0) {
        unsafe base = bytes.baseAddress
        count = bytes.count
        self.offset = offset
    }

    var isAtEnd: Bool { offset >= count }

    func corruption(_ reason: StaticString) -> Corruption {
        Corruption(reason: reason, offset: offset)
    }

    @inline(__always)
    mutating func byte() throws(Corruption) -> UInt8 {
        guard offset < count, let base = unsafe base else { throw corruption("The message ends early.") }
        defer { offset &+= 1 }
        return unsafe base.load(fromByteOffset: offset, as: UInt8.self)
    }

    /// Reads an unsigned integer of at most 64 bits.
    @inline(__always)
    mutating func varint() throws(Corruption) -> UInt64 {
        let first = try byte()
        if first < 0x80 { return UInt64(first) }
        return try varint(startingWith: first)
    }

    private mutating func varint(startingWith first: UInt8) throws(Corruption) -> UInt64 {
        var value = UInt64(first & 0x7F)
        var shift: UInt64 = 7
        while true {
            let next = try byte()
            guard shift < 63 || next < 2 else { throw corruption("A number has more than 64 bits.") }
            value |= UInt64(next & 0x7F) << shift
            if next < 0x80 { return value }
            shift &+= 7
        }
    }

    /// Reads a number that must be less than `bound`.
    @inline(__always)
    mutating func index(below bound: Int) throws(Corruption) -> Int {
        let value = try varint()
        guard value < UInt64(bound) else { throw corruption("A number is out of range.") }
        return Int(value)
    }

    /// Passes over `length` units of `size` bytes; throws if the message has fewer.
    @inline(__always)
    mutating func skip(_ length: UInt64, size: Int = 1) throws(Corruption) {
        let (bytes, overflow) = length.multipliedReportingOverflow(by: UInt64(size))
        // A decoder that is used after its message was closed has an offset past the end.
        guard !overflow, offset <= count, bytes <= UInt64(count &- offset) else {
            throw corruption("The message ends early.")
        }
        offset &+= Int(bytes)
    }

    /// Reads the memory of a trivial value of which every bit pattern is valid.
    mutating func memory<T: BitwiseCopyable>(of type: T.Type) throws(Corruption) -> T {
        let start = offset
        try skip(UInt64(MemoryLayout<T>.size))
        guard let base = unsafe base else { throw corruption("The message ends early.") }
        return unsafe base.loadUnaligned(fromByteOffset: start, as: type)
    }

    mutating func run() throws(Corruption) -> UnsafeRawBufferPointer {
        let length = try varint()
        let start = offset
        try skip(length)
        return unsafe passed(since: start)
    }

    func passed(since start: Int) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(start: base, count: count)[start..<offset])
    }

    struct PackedHead {
        var kind: WireKind
        var count: Int
        /// The distance from one element to the next, and the size of an element, in bytes.
        var stride: Int
        var size: Int
        /// The offset of the first element.
        var start: Int
        var checksum: UInt64?
    }

    /// Reads a packed array's head and passes over its elements.
    mutating func packed() throws(Corruption) -> PackedHead {
        guard let kind = try WireKind(rawValue: byte()), var stride = kind.elementStride else {
            throw corruption("An array's elements are of an unknown kind.")
        }
        let length = try varint()
        var size = stride
        var checksum: UInt64?
        if kind == .opaque {
            stride = try index(below: 1 << 31)
            size = try index(below: stride &+ 1)
            checksum = try memory(of: UInt64.self)
            guard stride > 0 else { throw corruption("An array's elements have no stride.") }
        }
        let start = offset
        try skip(length, size: stride)
        return PackedHead(
            kind: kind, count: Int(length), stride: stride, size: size, start: start, checksum: checksum)
    }

    /// Passes over the payload of a record that opens no container.
    mutating func skipPayload(of kind: WireKind) throws(Corruption) {
        switch kind {
        case .empty, .null, .no, .yes: break
        case .deepNull, .positive, .negative: _ = try varint()
        case .float16: try skip(2)
        case .float32: try skip(4)
        case .float64: try skip(8)
        case .int128, .uint128: try skip(16)
        case .string: try skip(varint())
        case .packed:
            let head = try packed()
            try verify(head)
        case .strings: for _ in 0..<(try varint()) { try skip(varint()) }
        default: throw corruption("A record is of an unknown kind.")
        }
    }

    private func verify(_ head: PackedHead) throws(Corruption) {
        guard let checksum = head.checksum else { return }
        let sum = unsafe ByteMath.checksum(passed(since: head.start))
        guard sum == checksum else { throw corruption("An array's sum is wrong.") }
    }
}
