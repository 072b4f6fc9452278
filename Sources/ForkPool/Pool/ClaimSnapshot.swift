/// What the record of a worker that ended says of its claim, checked: every index lies within the batch.
struct ClaimSnapshot: Equatable {
    /// Whether the worker left its loop by itself.
    var finished: Bool
    /// The item that it had begun without an outcome.
    var item: Int?
    /// What it had claimed and not begun.
    var remaining: Range<Int>?
    /// Whether it had claimed anything since it was started.
    var claimed: Bool

    /// Everything that it had claimed and that has no outcome.
    var unfinished: Range<Int>? {
        guard let item else { return remaining }
        return item..<(remaining?.upperBound ?? item + 1)
    }
}
