// SPDX-License-Identifier: Apache-2.0
/// A value that is being decoded: where it is in the message, and how far its container was read.
@safe final class DecodingNode: CodingPathNode {
    let message: Message
    /// The kind and place of the value's record.
    private(set) var position = ByteReader.Position(kind: .empty, payload: 0)
    /// The number of optionals around the value that were unwrapped.
    var depth = 0
    /// In a container: where its first value and key are, where they end, and where the next one to be read probably is.
    private(set) var start = 0
    private(set) var end = 0
    var next = 0

    private(set) var owner: DecodingNode?
    private(set) var step = CodingStep.root
    /// The positions of a large container's keys, by hash; nil until it is searched.
    private var index: [UInt32: Int]?
    /// The elements of a packed array that carries a checksum, once they were checked.
    var elements: [UInt8] = []
    private var isUsed = false
    /// The nodes that this one owns: it must not take another place while there are any.
    private(set) var children = 0

    init(message: Message) {
        self.message = message
    }

    deinit {
        guard isUsed else { return }
        owner?.children -= 1
        unsafe message.state.pointee.nodes -= 1
    }

    var reader: ByteReader {
        @inline(__always) get { unsafe message.state.pointee.reader }
    }

    /// Takes the value at a position, or in the wrapper at that position.
    func occupy(_ position: ByteReader.Position, in owner: DecodingNode?, step: CodingStep) {
        owner?.children += 1
        self.owner = owner
        self.step = step
        isUsed = true
        self.position = position
        while self.position.kind == .wrapper {
            guard let head = reader.head(at: self.position.payload), head.length > 0,
                let inner = reader.position(at: self.position.payload + ContainerHead.size)
            else {
                self.position = .init(kind: .empty, payload: self.position.payload)
                break
            }
            self.position = inner
        }
        start = 0
        end = 0
        switch self.position.kind {
        case .keyed, .keyedAgain, .unkeyed:
            if let head = reader.head(at: self.position.payload) {
                start = self.position.payload &+ ContainerHead.size
                end = start &+ head.length
            }
        default: break
        }
        next = start
    }

    /// Gives the value up, so that the node can take another one.
    func vacate() {
        owner?.children -= 1
        owner = nil
        step = .root
        depth = 0
        if index != nil { index = nil }
        if !elements.isEmpty { elements = [] }
        isUsed = false
    }

    // MARK: - Keys

    /// Finds the record of a key; nil if there is none.
    @inline(__always)
    func find<Key: CodingKey>(_ key: Key, _ table: KeyTable?) -> ByteReader.Position? {
        if position.kind == .keyed, let table, let text = unsafe table.text(of: key),
            let end = unsafe reader.match(text, at: next), end < self.end, let found = reader.position(at: end)
        {
            return found
        }
        return search(key.stringValue)
    }

    @inline(never)
    private func search(_ name: consuming String) -> ByteReader.Position? {
        guard position.kind.isKeyed else { return nil }
        let isUnique = position.kind == .keyed
        return name.withUTF8 { utf8 -> ByteReader.Position? in
            let name = UnsafeRawBufferPointer(utf8)
            if isUnique, next < end, let end = unsafe reader.match(name, at: next) { return reader.position(at: end) }
            if let index {
                guard let key = unsafe index[ByteMath.hash(name)] else { return nil }
                // Another key may have the same hash.
                if let end = unsafe reader.match(name, at: key) { return reader.position(at: end) }
            }
            return unsafe walk(to: name, stops: isUnique)
        }
    }

    /// The number of keys beyond which a container that is searched gets an index.
    private static let walkLimit = 16

    private func walk(to name: UnsafeRawBufferPointer, stops: Bool) -> ByteReader.Position? {
        var found: ByteReader.Position?
        var count = 0
        for (key, record) in fields {
            if unsafe reader.match(name, at: key) != nil, record.kind != .absent || stops {
                if stops { return record }
                found = record
            }
            count += 1
        }
        if count > Self.walkLimit, index == nil { buildIndex(count) }
        return found
    }

    private func buildIndex(_ count: Int) {
        var index = [UInt32: Int](minimumCapacity: count)
        for (key, record) in fields where record.kind != .absent {
            guard let (start, end) = reader.key(at: key) else { break }
            unsafe index[ByteMath.hash(reader.bytes(start, end))] = key
        }
        self.index = index
    }

    /// The offsets of the keys of the value's keyed container, and their records.
    var fields: some Sequence<(key: Int, record: ByteReader.Position)> {
        sequence(state: start) { [reader, end] next -> (key: Int, record: ByteReader.Position)? in
            guard next < end, let (_, keyEnd) = reader.key(at: next), let record = reader.position(at: keyEnd),
                let after = reader.end(of: record)
            else { return nil }
            defer { next = after }
            return (next, record)
        }
    }

    /// The same, each key once, and none whose value was left out.
    var survivors: [(key: Int, record: ByteReader.Position)] {
        guard position.kind.isKeyed else { return [] }
        let all = fields.filter { $0.record.kind != .absent }
        guard position.kind == .keyedAgain else { return all }
        return all.filter { field in
            guard let (start, end) = reader.key(at: field.key) else { return false }
            let name = unsafe reader.bytes(start, end)
            if let last = index?[unsafe ByteMath.hash(name)] {
                if last == field.key { return true }
                // Another key may have the same hash.
                if unsafe reader.match(name, at: last) != nil { return false }
            }
            return unsafe walk(to: name, stops: false)?.payload == field.record.payload
        }
    }
}
