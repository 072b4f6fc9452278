// SPDX-License-Identifier: Apache-2.0
/// Puts the chunks of a message that was written in turns into the containers that they belong to.
///
/// Chunks are rare: a value writes one when it goes back to a container after it wrote to one around it. Another process may
/// write to the message meanwhile, so what is read of it is checked; the rewritten message is never larger.
@safe struct Unweaver {
    /// The chunks of each container, by the offset of the container's head: where their records are.
    private var chunks: [Int: [Range<Int>]] = [:]
    private let source: UnsafeRawBufferPointer
    private let target: UnsafeMutableRawBufferPointer
    private var size = 0
    private var stack = StackGuard()

    /// Rewrites the message in the first `count` bytes, with the rest of the memory as room; returns its size.
    ///
    /// - Throws: `OutOfSpace` if there is too little room, `EncodingError` if the bytes are not what the writer wrote, or
    ///   `StackGuard.Overflow`.
    static func unweave(_ memory: UnsafeMutableRawBufferPointer, count: Int) throws -> Int {
        let source = unsafe UnsafeRawBufferPointer(rebasing: memory[..<count])
        let target = unsafe UnsafeMutableRawBufferPointer(rebasing: memory[count...])
        var unweaver = unsafe Unweaver(source: source, target: target)
        unweaver.stack.begin()
        let reader = unsafe ByteReader(source)
        guard var offset = reader.position(at: 0).flatMap({ reader.end(of: $0) }) else { throw corruption }
        while offset < count {
            guard reader.kind(at: offset) == .chunk, let home = reader.load(UInt64.self, at: offset + 1),
                home < UInt64(count), let head = reader.head(at: offset + 9)
            else { throw corruption }
            let start = offset + 9 + ContainerHead.size
            unweaver.chunks[Int(home), default: []].append(start..<start + head.length)
            offset = start + head.length
        }
        _ = try unweaver.copy(0, reader)
        unsafe memory.copyMemory(from: UnsafeRawBufferPointer(rebasing: target[..<unweaver.size]))
        return unweaver.size
    }

    private init(source: UnsafeRawBufferPointer, target: UnsafeMutableRawBufferPointer) {
        unsafe self.source = unsafe source
        unsafe self.target = unsafe target
    }

    /// Copies the record at an offset, with the chunks of the containers in it; returns its end.
    private mutating func copy(_ offset: Int, _ reader: ByteReader) throws -> Int {
        if stack.isReached { throw StackGuard.Overflow() }
        guard let record = reader.position(at: offset), let end = reader.end(of: record) else { throw Self.corruption }
        let kind = record.kind
        guard kind.isKeyed || kind == .unkeyed || kind == .wrapper else {
            try put(offset..<end)
            return end
        }
        let head = offset + 1
        let extra = chunks[head] ?? []
        let isKeyed = kind.isKeyed
        let place = size
        try put(offset..<head + ContainerHead.size)
        if isKeyed, !extra.isEmpty { unsafe target[place] = WireKind.keyedAgain.rawValue }
        var count = 0
        for range in [head + ContainerHead.size..<end] + extra {
            var next = range.lowerBound
            while next < range.upperBound {
                if isKeyed {
                    guard let (_, key) = reader.key(at: next) else { throw Self.corruption }
                    try put(next..<key)
                    next = key
                }
                next = try copy(next, reader)
                count += 1
            }
        }
        let length = size - place - 1 - ContainerHead.size
        let bits = ContainerHead(length: length, count: count).bits
        unsafe target.storeBytes(of: bits, toByteOffset: place + 1, as: UInt64.self)
        return end
    }

    private mutating func put(_ range: Range<Int>) throws {
        // A chunk that changed may be in itself.
        guard unsafe size + range.count <= source.count else { throw Self.corruption }
        guard unsafe target.count - size >= range.count else {
            throw unsafe BinaryEncoder.OutOfSpace(capacity: source.count + target.count)
        }
        let place = unsafe UnsafeMutableRawBufferPointer(rebasing: target[size...])
        unsafe place.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[range]))
        size += range.count
    }

    private static var corruption: EncodingError {
        .invalidValue(
            Any?.none as Any,
            .init(codingPath: [], debugDescription: "Another process changed the message while it was written."))
    }
}
