// SPDX-License-Identifier: Apache-2.0

/// Finds the items of a map that have results which are not in its journal yet.
///
/// A byte of `states` says `ItemState.value` where there is a result; one of `recorded` has the same value where the journal
/// has it. So eight items with nothing new are mostly one comparison.
@unsafe struct NewItems {
    /// As many bytes as `recorded` has, which other processes change.
    let states: UnsafeRawPointer
    let recorded: UnsafeRawBufferPointer

    /// The first new items from one on, up to one that is not new; nil if there is none.
    func next(from start: Int) -> Range<Int>? {
        let first = unsafe end(of: start, while: { unsafe !isNew($0) }, { states, recorded in states == recorded })
        guard unsafe first < recorded.count else { return nil }
        let end = unsafe end(
            of: first, while: { unsafe isNew($0) },
            { states, recorded in recorded == 0 && states == UInt64(ItemState.value) &* 0x0101_0101_0101_0101 })
        return first..<end
    }

    private func isNew(_ item: Int) -> Bool {
        unsafe recorded[item] == 0 && states.load(fromByteOffset: item, as: UInt8.self) == ItemState.value
    }

    /// The first item from one on for which `isOne` does not hold; `areAll` may say it of eight by their bytes.
    private func end(
        of start: Int, while isOne: (Int) -> Bool, _ areAll: (_ states: UInt64, _ recorded: UInt64) -> Bool
    ) -> Int {
        let count = unsafe recorded.count
        var item = start
        while item < count {
            if count - item >= 8,
                unsafe areAll(
                    states.loadUnaligned(fromByteOffset: item, as: UInt64.self),
                    recorded.loadUnaligned(fromByteOffset: item, as: UInt64.self))
            {
                item += 8
            } else if isOne(item) {
                item += 1
            } else {
                break
            }
        }
        return item
    }
}
