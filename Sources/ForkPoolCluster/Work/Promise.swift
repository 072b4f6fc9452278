// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// A value that a thread gives once, and one task awaits.
final class Promise<Value>: @unchecked Sendable {
    private var result: Result<Value, any Error>?
    private let waiter = Mutex<CheckedContinuation<Void, Never>?>(nil)

    /// Gives the value, or an error in its place, unless it was given already.
    func fulfil(_ result: Result<Value, any Error>) {
        let waiter = waiter.withLock { waiter in
            if self.result == nil { self.result = result }
            return exchange(&waiter, with: nil)
        }
        waiter?.resume()
    }

    nonisolated(nonsending) var value: Value {
        get async throws {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let isThere = waiter.withLock { waiter in
                    if result == nil { waiter = continuation }
                    return result != nil
                }
                if isThere { continuation.resume() }
            }
            return try result!.get()
        }
    }
}
