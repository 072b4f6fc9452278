/// What a worker's record says of the item that it is on.
struct ItemSnapshot: Equatable {
    /// The item, or -1.
    var position: Int
    /// When the worker began the item, in nanoseconds of the monotonic clock; 0 if it has not, or items are not timed.
    var began: Int
}
