// SPDX-License-Identifier: Apache-2.0
/// A message that is being decoded: its bytes, and an index of the values of each container.
///
/// The index is a few flat arrays. Containers form a tree: the record of a container comes after that of the container that
/// holds it. So a walk along the index cannot run in circles.
@safe final class Message {
    struct Position {
        var kind: WireKind
        /// The offset of the payload, or the number of the container that the record opens.
        var target: Int
    }

    struct Entry {
        /// The kind in the low byte, the target above it.
        private var bits: UInt64
        /// The number of the next entry of the same container; 0 at the end.
        var next: UInt32 = 0
        let key: UInt32

        init(_ position: Position, key: UInt32) {
            bits = UInt64(position.target) << 8 | UInt64(position.kind.rawValue)
            self.key = key
        }

        var position: Position {
            Position(kind: WireKind(rawValue: UInt8(truncatingIfNeeded: bits)) ?? .empty, target: Int(bits >> 8))
        }
    }

    /// A container's values, as a linked list of entries.
    struct Container {
        /// The numbers of the first and the last entry; 0 if there is none.
        private(set) var first: UInt32 = 0
        private(set) var last: UInt32 = 0
        private(set) var count: UInt32 = 0
        /// The number of the container that holds this one, above two flags.
        private var bits: UInt32

        /// The highest number of a container.
        static let limit = UInt32.max >> 2

        init(parent: Int, isKeyed: Bool) {
            bits = UInt32(parent) << 2 | (isKeyed ? 1 : 0)
        }

        /// Adds an entry by its number; returns that of the entry before it, or 0.
        @inline(__always)
        mutating func append(_ number: UInt32) -> UInt32 {
            defer { last = number }
            if last == 0 { first = number }
            count &+= 1
            return last
        }

        var parent: Int { Int(bits >> 2) }
        var isKeyed: Bool { bits & 1 == 1 }

        /// Whether the keys' numbers do not ascend from entry to entry; if they do, no key is there twice.
        var isUnsorted: Bool {
            get { bits & 2 == 2 }
            set { bits = newValue ? bits | 2 : bits & ~2 }
        }
    }

    /// Where a key's UTF-8 is, in bytes.
    struct Key {
        var offset: Int
        var length: Int
    }

    /// The entries by number; entry 0 is the end of every list.
    var entries: ContiguousArray<Entry> = []
    var containers: ContiguousArray<Container> = []
    /// The keys by number; 0 is not a key.
    var keys: ContiguousArray<Key> = []
    var root = Position(kind: .empty, target: 0)
    // Unchecked: no method of it calls back, so its accesses never overlap and need no check at run time.
    @exclusivity(unchecked) var routes = RouteCache<DecodingRoute>(slotBits: 3)

    // Unchecked as `routes`.
    @exclusivity(unchecked) private var stack = StackGuard()
    private var bytes: UnsafeRawBufferPointer
    // Unchecked as `routes`.
    @exclusivity(unchecked) private var spares: ContiguousArray<DecodingNode> = []
    private var numbers: [KeyName: UInt32] = [:]
    private var stamps: ContiguousArray<UInt> = []
    private var stamp: UInt = 0

    /// Makes a message of bytes that must stay in place until `close()`.
    init(_ bytes: UnsafeRawBufferPointer) {
        unsafe self.bytes = bytes
        unsafe stack.begin()
    }

    /// Gives the bytes up: a decoder that a value kept finds nothing any more.
    func close() {
        unsafe bytes = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        entries = []
        containers = []
        keys = []
        unsafe spares = []
        numbers = [:]
    }

    func reader(at offset: Int) -> ByteReader {
        unsafe ByteReader(bytes, at: offset)
    }

    /// Returns a container; an empty one if the number is not one.
    func container(_ number: Int) -> Container {
        number < containers.count ? containers[number] : Container(parent: 0, isKeyed: false)
    }

    /// Returns an entry; the end of all lists if the number is not one.
    func entry(_ number: UInt32) -> Entry {
        Int(number) < entries.count ? entries[Int(number)] : Entry(Position(kind: .empty, target: 0), key: 0)
    }

    func entries(of container: Container) -> some Sequence<(number: UInt32, entry: Entry)> {
        sequence(state: container.first) { next -> (number: UInt32, entry: Entry)? in
            guard next != 0 else { return nil }
            let number = next
            let entry = self.entry(number)
            next = entry.next
            return (number, entry)
        }
    }

    /// Throws if the thread's stack has no room for one more level of values.
    @inline(__always)
    func deepen() throws {
        if unsafe stack.isReached { throw StackGuard.Overflow() }
    }

    func makeNode(_ position: Position, in owner: DecodingNode?, step: CodingStep) throws -> DecodingNode {
        try deepen()
        let node = unsafe spares.popLast() ?? DecodingNode(message: self)
        node.occupy(position, in: owner, step: step)
        return node
    }

    /// Keeps a node for later, unless the value's code still holds it.
    func recycle(_ node: consuming DecodingNode) {
        guard isKnownUniquelyReferenced(&node), unsafe spares.count < 64 else { return }
        node.vacate()
        unsafe spares.append(node)
    }

    func decode<T: Decodable>(
        _ type: T.Type, at position: Position, in owner: DecodingNode?, step: CodingStep
    ) throws -> T {
        let node = try makeNode(position, in: owner, step: step)
        let value = try node.decode(type)
        recycle(node)
        return value
    }

    /// A key's bytes, hashed with a seed that the message's author does not know.
    @safe private struct KeyName: Hashable {
        let bytes: UnsafeRawBufferPointer

        static func == (left: KeyName, right: KeyName) -> Bool {
            guard unsafe left.bytes.count == right.bytes.count else { return false }
            guard let first = unsafe left.bytes.baseAddress, let second = unsafe right.bytes.baseAddress else {
                return true
            }
            return unsafe ByteMath.areEqual(first, second, count: left.bytes.count)
        }

        func hash(into hasher: inout Hasher) {
            unsafe hasher.combine(bytes: bytes)
        }
    }

    /// Whether an entry's key consists of exactly these bytes.
    @inline(__always)
    func isKey(_ number: UInt32, _ name: UnsafeRawBufferPointer) -> Bool {
        let key = keys[Int(number)]
        guard key.length == name.count else { return false }
        guard let start = name.baseAddress, let base = unsafe bytes.baseAddress else { return true }
        return unsafe ByteMath.areEqual(base + key.offset, start, count: key.length)
    }

    /// The name of a key; wrong UTF-8 is repaired, and a repaired name finds nothing.
    func keyName(_ number: UInt32) -> String {
        unsafe String(decoding: keyBytes(number), as: UTF8.self)
    }

    /// The name of a key; nil if it is not UTF-8.
    func validKeyName(_ number: UInt32) -> String? {
        unsafe String(utf8: keyBytes(number))
    }

    private func keyBytes(_ number: UInt32) -> UnsafeRawBufferPointer {
        let key = keys[Int(number)]
        return unsafe UnsafeRawBufferPointer(rebasing: bytes[key.offset..<key.offset + key.length])
    }

    /// Finds the number of the key that consists of exactly these bytes.
    ///
    /// - Complexity: O(*k*) in the length of the key, expected, after a first call that is O(*n*) in the number of keys.
    func keyNumber(_ name: UnsafeRawBufferPointer) -> UInt32? {
        if numbers.isEmpty {
            numbers.reserveCapacity(keys.count)
            for number in keys.indices.dropFirst() {
                let key = keys[number]
                let place = unsafe UnsafeRawBufferPointer(rebasing: bytes[key.offset..<key.offset + key.length])
                unsafe numbers[KeyName(bytes: place)] = UInt32(number)
            }
        }
        return unsafe numbers[KeyName(bytes: name)]
    }

    /// Whether two entries of a container have the same key.
    func repeatsKeys(_ container: Container) -> Bool {
        guard container.isUnsorted else { return false }
        if stamps.isEmpty { stamps = .init(repeating: 0, count: keys.count) }
        stamp &+= 1
        for (_, entry) in entries(of: container) {
            if stamps[Int(entry.key)] == stamp { return true }
            stamps[Int(entry.key)] = stamp
        }
        return false
    }
}
