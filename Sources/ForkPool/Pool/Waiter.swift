// SPDX-License-Identifier: Apache-2.0
/// A task that waits.
@safe struct Waiter: Sendable {
    private let continuation: UnsafeContinuation<Void, Never>

    init(_ continuation: UnsafeContinuation<Void, Never>) {
        unsafe self.continuation = continuation
    }

    func resume() {
        unsafe continuation.resume()
    }

    /// Resumes tasks from a task of its own.
    ///
    /// A cancelled task's lock is held while its cancellation handlers run, and resuming the task takes that lock. So a
    /// thread that holds what a handler waits for (a lock of the pool, the pool's end, another task) must not resume.
    static func resume(_ waiters: [Waiter]) {
        guard !waiters.isEmpty else { return }
        Task.detached {
            for waiter in waiters { waiter.resume() }
        }
    }
}

/// A thread or a task that waits.
enum Sleeper: Sendable {
    case thread(PrivateEvent)
    case task(Waiter)

    /// Wakes a thread at once, and adds a task to those that are resumed when the lock is free.
    func wake(_ awakened: inout [Waiter]) {
        switch self {
        case .thread(let event): event.signal()
        case .task(let waiter): awakened.append(waiter)
        }
    }
}
