/// Decides how many items a worker claims at once.
///
/// A claim costs about 10 ns, an item anything. So a chunk begins with one item, doubles while chunks take less than a
/// target time, and halves when they take more than twice that; and it never takes more than a share of what is left, so
/// that the workers end together.
struct ChunkPolicy {
    /// How long a chunk should take, in nanoseconds: a thousand claims' worth.
    private static let target = 100_000

    private let fixed: Int?
    private let workers: Int
    private var size = 1

    /// Makes a policy of `fixed` items a chunk, or one that follows how long items take.
    init(fixed: Int?, workers: Int) {
        self.fixed = fixed
        self.workers = workers
    }

    /// Whether it wants to know how long chunks take.
    var measures: Bool { fixed == nil }

    /// The number of items to claim when `remaining` are left, at least 1.
    func next(remaining: Int) -> Int {
        fixed ?? max(1, min(size, remaining / (4 * workers)))
    }

    /// Takes note that `items` items took `nanoseconds`.
    mutating func took(_ nanoseconds: Int, items: Int) {
        if nanoseconds < Self.target {
            // Only a full chunk shows that a larger one is right; one cut short by the end does not.
            if items >= size { size *= 2 }
        } else if nanoseconds > 2 * Self.target {
            size = max(1, items / 2)
        }
    }
}
