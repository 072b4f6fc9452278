// SPDX-License-Identifier: Apache-2.0

/// Numbers the keys of a message in order of appearance, by their exact bytes, which stay in the message.
///
/// The table keeps its memory for the next message: a slot counts only if it has the current generation.
@safe struct KeyTable {
    /// How a record names its key.
    enum Reference {
        /// The key that followed the last record's key the last time.
        case predicted
        case known(UInt32)
        case new
    }

    private struct Key {
        var offset: Int
        var length: Int
        var hash: UInt32
        var successor: UInt32
    }

    private struct Slot {
        var generation: UInt32
        var number: UInt32
    }

    /// Key 0 stands for the start of the message.
    private var keys: ContiguousArray<Key> = []
    private var slots: ContiguousArray<Slot> = []
    private var generation: UInt32 = 0
    private var last: UInt32 = 0

    mutating func reset() {
        keys.removeAll(keepingCapacity: true)
        last = 0
        generation &+= 1
        guard generation == 0 else { return }
        slots.removeAll()
        generation = 1
    }

    /// Finds the number of a key, or gives it the next one; after `new`, the caller writes the key and places it.
    ///
    /// - Complexity: O(*k*) in the length of the key, expected.
    mutating func refer(to name: UnsafeBufferPointer<UInt8>, base: UnsafeRawPointer) -> Reference {
        if keys.isEmpty { prepare() }
        let guess = keys[Int(last)].successor
        if guess != 0, unsafe isKey(guess, name, base: base) {
            last = guess
            return .predicted
        }
        let hash = unsafe ByteMath.hash(name)
        let mask = slots.count &- 1
        var index = Int(hash) & mask
        while slots[index].generation == generation {
            let number = slots[index].number
            if keys[Int(number)].hash == hash, unsafe isKey(number, name, base: base) {
                follow(with: number)
                return .known(number)
            }
            index = (index &+ 1) & mask
        }
        let number = UInt32(keys.count)
        slots[index] = Slot(generation: generation, number: number)
        keys.append(Key(offset: 0, length: name.count, hash: hash, successor: 0))
        follow(with: number)
        if keys.count &* 2 > slots.count { grow() }
        return .new
    }

    mutating func placeNewest(at offset: Int) {
        keys[keys.count &- 1].offset = offset
    }

    private mutating func prepare() {
        keys.append(Key(offset: 0, length: 0, hash: 0, successor: 0))
        if slots.isEmpty { slots = .init(repeating: Slot(generation: 0, number: 0), count: 64) }
    }

    private mutating func follow(with number: UInt32) {
        keys[Int(last)].successor = number
        last = number
    }

    private func isKey(_ number: UInt32, _ name: UnsafeBufferPointer<UInt8>, base: UnsafeRawPointer) -> Bool {
        let key = keys[Int(number)]
        guard key.length == name.count else { return false }
        guard let start = name.baseAddress else { return true }
        return unsafe ByteMath.areEqual(base + key.offset, UnsafeRawPointer(start), count: key.length)
    }

    private mutating func grow() {
        slots = .init(repeating: Slot(generation: 0, number: 0), count: slots.count &* 2)
        let mask = slots.count &- 1
        for number in keys.indices.dropFirst() {
            var index = Int(keys[number].hash) & mask
            while slots[index].generation == generation { index = (index &+ 1) & mask }
            slots[index] = Slot(generation: generation, number: UInt32(number))
        }
    }
}
