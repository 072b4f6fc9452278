/// Why the pool kills a worker.
enum KillReason: Equatable {
    /// A failure at a lower index, or a cancellation, made its item needless.
    case needless
    /// It is on an item for too long. When the kill arrives it may be on another one.
    case overdue(item: Int)
    /// It waits for a wake that no thread or process is left to send.
    case deadlocked
}
