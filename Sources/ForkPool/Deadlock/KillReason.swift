// SPDX-License-Identifier: Apache-2.0

/// Why the pool kills a worker.
enum KillReason: Equatable {
    /// A failure at a lower index, or a cancellation, made its item needless.
    case needless
    /// It worked on an item for too long. It may be on another one when the kill arrives.
    case overdue(item: Int)
    /// It waits for a wake that no thread or process is left to send.
    case deadlocked
}
