internal import Glibc

/// A value of this process that one thread at a time reads and changes.
///
/// The lock is the system's own, whose orders the thread sanitizer knows; those of `Synchronization.Mutex` it does not, so
/// that it would find fault with whatever is guarded by one.
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

    /// Runs `body`, which must not come here again, while no other thread sees the value.
    func withLock<T>(_ body: (inout Value) -> T) -> T {
        unsafe pthread_mutex_lock(lock)
        defer { unsafe pthread_mutex_unlock(lock) }
        return unsafe body(&value.pointee)
    }

    /// The same, unless another thread sees the value now; nil then.
    func withLockIfFree<T>(_ body: (inout Value) -> T) -> T? {
        guard unsafe pthread_mutex_trylock(lock) == 0 else { return nil }
        defer { unsafe pthread_mutex_unlock(lock) }
        return unsafe body(&value.pointee)
    }
}
