// SPDX-License-Identifier: Apache-2.0
internal import Glibc

extension ForkPool {
    /// A part of a map's items, for one of several processes that divide them: tasks of a Slurm array, of an indexed job of
    /// Kubernetes, of a CI matrix.
    ///
    /// The parts are ranges of neighbours, as equal as can be. Each process maps its own with a journal, and
    /// `ForkPool.merge(journals:as:)` puts them together.
    ///
    /// ```swift
    /// let shard = try ForkPool.Shard.fromEnvironment() ?? ForkPool.Shard(index: 0, count: 1)
    /// let range = shard.range(of: 10)
    /// ```
    public struct Shard: Sendable, Hashable, CustomStringConvertible {
        /// The number of the part, from 0 on.
        public let index: Int
        /// The number of parts.
        public let count: Int

        /// Makes a shard.
        ///
        /// - Precondition: `count` is at least 1, and `index` at least 0 and below `count`.
        public init(index: Int, count: Int) {
            require(count >= 1, "a number of shards must be at least 1, not \(count)")
            require(index >= 0 && index < count, "a shard of \(count) must be between 0 and \(count - 1), not \(index)")
            self.index = index
            self.count = count
        }

        /// The index, and then the count: "3/8" is the fourth of eight.
        public var description: String { "\(index)/\(count)" }

        /// The items of the part, by their numbers among `items` ones.
        ///
        /// - Precondition: `items` is at least 0.
        public func range(of items: Int) -> Range<Int> {
            require(items >= 0, "a number of items must be at least 0, not \(items)")
            func start(_ shard: Int) -> Int {
                // The first `items % count` parts have one more; a product could be too large.
                items / count * shard + min(shard, items % count)
            }
            return start(index)..<start(index + 1)
        }
    }
}
