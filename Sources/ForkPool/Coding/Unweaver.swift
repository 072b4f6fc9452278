// SPDX-License-Identifier: Apache-2.0
/// Puts the chunks of a message that was written in turns into the containers that they belong to.
///
/// Chunks are rare: a value writes one when it goes back to a container after it wrote to one around it.
@safe struct Unweaver {
    /// The chunks of each container, by the offset of the container's head: where their records are.
    private var chunks: [Int: [Range<Int>]] = [:]
    private let source: UnsafeRawBufferPointer
    private let target: UnsafeMutableRawBufferPointer
    private var size = 0
    private var stack = StackGuard()

    /// Rewrites the message in the first `count` bytes, with the rest of the memory as room; returns its size, or nil if there
    /// is too little room.
    static func unweave(_ memory: UnsafeMutableRawBufferPointer, count: Int) throws -> Int? {
        let source = unsafe UnsafeRawBufferPointer(rebasing: memory[..<count])
        let target = unsafe UnsafeMutableRawBufferPointer(rebasing: memory[count...])
        var unweaver = unsafe Unweaver(source: source, target: target)
        unweaver.stack.begin()
        let reader = unsafe ByteReader(source)
        guard let end = reader.position(at: 0).flatMap({ reader.end(of: $0) }) else { return nil }
        var offset = end
        while offset < count {
            guard let home = reader.load(UInt64.self, at: offset + 1), let head = reader.head(at: offset + 9) else {
                return nil
            }
            let start = offset + 9 + ContainerHead.size
            unweaver.chunks[Int(home), default: []].append(start..<start + head.length)
            offset = start + head.length
        }
        guard try unweaver.copy(0, reader) != nil else { return nil }
        unsafe memory.copyMemory(from: UnsafeRawBufferPointer(rebasing: target[..<unweaver.size]))
        return unweaver.size
    }

    private init(source: UnsafeRawBufferPointer, target: UnsafeMutableRawBufferPointer) {
        unsafe self.source = unsafe source
        unsafe self.target = unsafe target
    }

    /// Copies the record at an offset, with the chunks of the containers in it; returns its end, or nil without room.
    private mutating func copy(_ offset: Int, _ reader: ByteReader) throws -> Int? {
        if stack.isReached { throw StackGuard.Overflow() }
        guard let record = reader.position(at: offset), let end = reader.end(of: record) else { return nil }
        let kind = record.kind
        guard kind.isKeyed || kind == .unkeyed || kind == .wrapper else { return put(offset..<end) ? end : nil }
        let head = offset + 1
        let extra = chunks[head] ?? []
        let isKeyed = kind.isKeyed
        let place = size
        guard put(offset..<head + ContainerHead.size) else { return nil }
        if isKeyed, !extra.isEmpty { unsafe target[place] = WireKind.keyedAgain.rawValue }
        var count = 0
        for range in [head + ContainerHead.size..<end] + extra {
            var next = range.lowerBound
            while next < range.upperBound {
                if isKeyed {
                    guard let (_, key) = reader.key(at: next), put(next..<key) else { return nil }
                    next = key
                }
                guard let end = try copy(next, reader) else { return nil }
                next = end
                count += 1
            }
        }
        let length = size - place - 1 - ContainerHead.size
        let bits = ContainerHead(length: length, count: count).bits
        unsafe target.storeBytes(of: bits, toByteOffset: place + 1, as: UInt64.self)
        return end
    }

    private mutating func put(_ range: Range<Int>) -> Bool {
        guard unsafe target.count - size >= range.count else { return false }
        let place = unsafe UnsafeMutableRawBufferPointer(rebasing: target[size...])
        unsafe place.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[range]))
        size += range.count
        return true
    }
}
