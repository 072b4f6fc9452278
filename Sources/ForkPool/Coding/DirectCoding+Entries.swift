// SPDX-License-Identifier: Apache-2.0
/// Codes a dictionary with keys and values that are one record each, without a node.
protocol ScalarEntries {
    static var encodingRoute: EncodingRoute { get }
    static var take: DecodingRoute.Take { get }
}

/// A key of a dictionary, which is written as a name.
protocol EntryKey: Hashable {
    func putName(to writer: MessageWriter) throws
    /// Makes a key of UTF-8; nil if it is none.
    init?(name: UnsafeRawBufferPointer)
}

extension String: EntryKey {
    @inline(__always)
    func putName(to writer: MessageWriter) throws {
        try writer.put(key: self)
    }

    @inline(__always)
    init?(name: UnsafeRawBufferPointer) {
        unsafe self.init(utf8: name)
    }
}

extension Int: EntryKey {
    func putName(to writer: MessageWriter) throws {
        try writer.put(key: String(self))
    }

    init?(name: UnsafeRawBufferPointer) {
        guard let text = unsafe String(utf8: name), let key = Int(text) else { return nil }
        self = key
    }
}

enum Entries<Key: EntryKey, Value: LeafCodable>: ScalarEntries {
    static var encodingRoute: EncodingRoute {
        unsafe .leaf { dictionary, writer in
            let dictionary = unsafe dictionary.assumingMemoryBound(to: [Key: Value].self).pointee
            try writer.put(kind: .keyed)
            let start = unsafe writer.state.pointee.count + ContainerHead.size
            try writer.put(memoryOf: UInt64(0))
            for (key, value) in dictionary {
                try key.putName(to: writer)
                try value.put(to: writer)
            }
            try writer.putHead(at: start - ContainerHead.size, count: dictionary.count)
        }
    }

    static var take: DecodingRoute.Take {
        { reader, position, memory in
            guard position.kind == .keyed, let head = reader.head(at: position.payload) else { return 0 }
            var offset = position.payload + ContainerHead.size
            let end = offset + head.length
            // An entry has three bytes at least.
            var dictionary = [Key: Value](minimumCapacity: min(head.count ?? 0, head.length / 3))
            while offset < end {
                guard let (start, keyEnd) = reader.key(at: offset),
                    let key = unsafe Key(name: reader.bytes(start, keyEnd)),
                    let position = reader.position(at: keyEnd),
                    let value = Value.take(reader, position, &offset)
                else { return 0 }
                dictionary[key] = value
            }
            guard offset == end else { return 0 }
            unsafe memory.initializeMemory(as: [Key: Value].self, to: dictionary)
            return end
        }
    }
}
