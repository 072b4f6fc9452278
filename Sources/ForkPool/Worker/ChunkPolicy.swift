// SPDX-License-Identifier: Apache-2.0

/// Decides how many items a worker claims at once.
///
/// A claim costs about 10 ns; the cost of an item is unknown. So chunks start with one item, double while they take less
/// than a target time, and halve when they take more than twice that time. A chunk never exceeds a share of the remaining
/// items, so that the workers finish together.
struct ChunkPolicy {
    /// How long a chunk should take, in nanoseconds: ten thousand times a claim.
    private static let target = 100_000

    private let fixed: Int?
    private let workers: Int
    private var size = 1

    /// Makes a policy of `fixed` items per chunk, or one that follows the items' durations.
    init(fixed: Int?, workers: Int) {
        self.fixed = fixed
        self.workers = workers
    }

    var measures: Bool { fixed == nil }

    /// Returns how many items to claim, at least 1, when `remaining` are left.
    func next(remaining: Int) -> Int {
        fixed ?? max(1, min(size, remaining / (4 * workers)))
    }

    mutating func took(_ nanoseconds: Int, items: Int) {
        if nanoseconds < Self.target {
            // Only a full chunk shows that a larger one is right; the last chunk may be short.
            if items >= size { size *= 2 }
        } else if nanoseconds > 2 * Self.target {
            size = max(1, items / 2)
        }
    }
}
