// SPDX-License-Identifier: Apache-2.0
extension Message {
    /// Checks every record and notes where each one is; afterwards every read is in bounds.
    ///
    /// A message that is a single scalar or array needs no index.
    ///
    /// - Complexity: O(*n*) in the number of records, and in the bytes of arrays that carry a checksum.
    func scan() throws(Corruption) {
        var reader = self.reader(at: 0)
        let tag = try reader.byte()
        guard let kind = WireKind(rawValue: tag) else {
            throw reader.corruption("The first record is of an unknown kind.")
        }
        guard kind.opensContainer else {
            root = Position(kind: kind, target: reader.offset)
            try reader.skipPayload(of: kind)
            guard reader.isAtEnd else { throw reader.corruption("The message goes on after its end.") }
            return
        }
        var scanner = MessageScanner(self.reader(at: 0))
        while try scanner.scanRecord() {}
        guard scanner.reader.isAtEnd else { throw scanner.reader.corruption("The message goes on after its end.") }
        guard scanner.containers[0].count == 1 else { throw scanner.reader.corruption("The message has two values.") }
        entries = scanner.entries
        containers = scanner.containers
        keys = scanner.keys
        root = entries[1].position
    }
}

/// Builds the index of a message, record by record.
private struct MessageScanner {
    var reader: ByteReader
    var entries: ContiguousArray<Message.Entry> = [.init(.init(kind: .empty, target: 0), key: 0)]
    var containers: ContiguousArray<Message.Container> = [.init(parent: 0, isKeyed: false)]
    var keys: ContiguousArray<Message.Key> = [.init(offset: 0, length: 0)]
    private var successors: ContiguousArray<UInt32> = [0]
    private var lastKey = 0
    private var current = 0

    init(_ reader: ByteReader) {
        self.reader = reader
    }

    /// Scans one record; returns false at the end of the message.
    mutating func scanRecord() throws(Corruption) -> Bool {
        let tag = try reader.byte()
        if tag == WireKind.end.rawValue { return false }
        guard let kind = WireKind(rawValue: tag & WireKind.mask) else {
            throw reader.corruption("A record is of an unknown kind.")
        }
        try find(ContainerHint(rawValue: tag >> WireKind.hintShift) ?? .explicit)
        let isPredicted = tag & WireKind.predictedKey != 0
        var key = 0
        let isKeyed = containers[current].isKeyed
        if isKeyed {
            key = try isPredicted ? predictedKey() : explicitKey()
            lastKey = key
        } else if isPredicted {
            throw reader.corruption("A value in a container without keys has a key.")
        }
        var target = reader.offset
        if kind.opensContainer {
            target = containers.count
            guard target < Message.Container.limit else {
                throw reader.corruption("The message has too many containers.")
            }
            containers.append(.init(parent: current, isKeyed: kind == .keyed))
        } else {
            try reader.skipPayload(of: kind)
        }
        try append(.init(.init(kind: kind, target: target), key: UInt32(truncatingIfNeeded: key)), isKeyed)
        return true
    }

    @inline(__always)
    private mutating func find(_ hint: ContainerHint) throws(Corruption) {
        switch hint {
        case .same: break
        case .newest: current = containers.count &- 1
        case .parent: current = containers[current].parent
        case .explicit: current = try reader.index(below: containers.count)
        }
    }

    private func predictedKey() throws(Corruption) -> Int {
        let key = Int(successors[lastKey])
        guard key != 0 else { throw reader.corruption("A key is predicted before it was seen.") }
        return key
    }

    private mutating func explicitKey() throws(Corruption) -> Int {
        var key = try reader.index(below: keys.count)
        if key == 0 {
            key = keys.count
            guard key < UInt32.max else { throw reader.corruption("The message has too many keys.") }
            let length = try reader.varint()
            let offset = reader.offset
            try reader.skip(length)
            keys.append(.init(offset: offset, length: reader.offset &- offset))
            successors.append(0)
        }
        successors[lastKey] = UInt32(truncatingIfNeeded: key)
        return key
    }

    @inline(__always)
    private mutating func append(_ entry: Message.Entry, _ isKeyed: Bool) throws(Corruption) {
        let number = entries.count
        guard number < UInt32.max else { throw reader.corruption("The message has too many records.") }
        entries.append(entry)
        let last = Int(containers[current].append(UInt32(truncatingIfNeeded: number)))
        guard last != 0 else { return }
        entries[last].next = UInt32(truncatingIfNeeded: number)
        if isKeyed, entry.key <= entries[last].key { containers[current].isUnsorted = true }
    }
}
