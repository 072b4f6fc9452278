// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool

/// The items that a run takes where several runs divide them: those of a shard.
struct ItemPart: Equatable {
    /// How the items are divided.
    enum Split: String, CaseIterable {
        /// Each shard takes every N-th item: it need not know how many there are.
        case strided
        /// Each shard takes neighbours.
        case blocks
    }

    let shard: ForkPool.Shard
    let split: Split

    /// Whether a strided shard takes the item of an index.
    func takes(_ index: Int) -> Bool { index % shard.count == shard.index }

    /// How many of so many items the shard takes.
    func count(of items: Int) -> Int {
        switch split {
        case .strided: items > shard.index ? (items - 1 - shard.index) / shard.count + 1 : 0
        case .blocks: shard.range(of: items).count
        }
    }

    /// The index among so many items of the shard's item at a position; for a strided shard it does not depend on how many.
    func index(at position: Int, of items: Int) -> Int {
        switch split {
        case .strided: shard.index + position * shard.count
        case .blocks: shard.range(of: items).lowerBound + position
        }
    }

    /// The shard that takes the item of an index among so many.
    static func shard(of index: Int, _ split: Split, items: Int, shards: Int) -> Int {
        guard split == .blocks else { return index % shards }
        // The first `items % shards` blocks have one more.
        let (size, larger) = (items / shards, items % shards)
        let end = larger * (size + 1)
        return index < end ? index / (size + 1) : larger + (index - end) / size
    }

    /// Puts the number of the shard, 0 if there is none, where a path has `{shard}`.
    static func path(_ path: String, _ part: ItemPart?) -> String {
        path.replacing("{shard}", with: "\(part?.shard.index ?? 0)")
    }
}
#endif
