// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A value of this process that one thread at a time reads and changes.
///
/// The lock is a pthread mutex, which the thread sanitizer understands. It does not understand `Synchronization.Mutex`, and
/// would report races on every value that one guards.
@safe final class Locked<Value>: @unchecked Sendable {
    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private let value: UnsafeMutablePointer<Value>

    init(_ value: Value) {
        unsafe lock = .allocate(capacity: 1)
        unsafe lock.initialize(to: pthread_mutex_t())
        unsafe pthread_mutex_init(lock, nil)
        unsafe self.value = .allocate(capacity: 1)
        unsafe self.value.initialize(to: value)
    }

    deinit {
        unsafe pthread_mutex_destroy(lock)
        unsafe lock.deallocate()
        unsafe value.deinitialize(count: 1)
        unsafe value.deallocate()
    }

    /// Runs `body` while no other thread has the value; `body` must not take this lock again.
    func withLock<T>(_ body: (inout Value) -> T) -> T {
        unsafe pthread_mutex_lock(lock)
        defer { unsafe pthread_mutex_unlock(lock) }
        return unsafe body(&value.pointee)
    }

    /// Does the same if no other thread has the value now; else returns nil at once.
    func withLockIfFree<T>(_ body: (inout Value) -> T) -> T? {
        guard unsafe pthread_mutex_trylock(lock) == 0 else { return nil }
        defer { unsafe pthread_mutex_unlock(lock) }
        return unsafe body(&value.pointee)
    }
}
