// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Synchronization

/// A value that the parent and its workers change under a lock.
///
/// ```swift
/// struct Candidate: BitwiseCopyable { var seed = 0, score = 0.0 }
///
/// let best = SharedValue(Candidate())
/// try ForkPool().forEach(0..<1000) { seed in
///     let found = Candidate(seed: seed, score: Double.random(in: 0..<1))
///     best.withLock { if found.score > $0.score { $0 = found } }
/// }
/// ```
///
/// The lock is robust: a worker that dies while it holds the lock does not block the others, and leaves no partial change. A
/// change takes effect when the closure returns.
public final class SharedValue<Value: BitwiseCopyable>: @unchecked Sendable {
    private let memory: SharedMemory

    // The memory holds the lock, the number of the current copy (0 or 1), and the two copies.
    private static var copiesOffset: Int { (Int(CFORKPOOL_MUTEX_SIZE) + 64 + alignment - 1) / alignment * alignment }
    private static var alignment: Int { max(MemoryLayout<Value>.alignment, 64) }

    private var current: UnsafeMutablePointer<Atomic<UInt32>> {
        unsafe (memory.base + Int(CFORKPOOL_MUTEX_SIZE)).assumingMemoryBound(to: Atomic<UInt32>.self)
    }

    private func copy(_ number: UInt32) -> UnsafeMutablePointer<Value> {
        let copies = unsafe (memory.base + Self.copiesOffset).assumingMemoryBound(to: Value.self)
        return unsafe copies + Int(number & 1)
    }

    /// Creates a shared value.
    ///
    /// - Parameter value: The initial value.
    /// - Precondition: The system grants the memory.
    public init(_ value: Value) {
        memory = SharedMemory(size: Self.copiesOffset + 2 * MemoryLayout<Value>.stride)
        let error = unsafe cforkpool_mutex_init(memory.base)
        require(error == 0, "no lock for a SharedValue (errno \(-error))")
        unsafe copy(0).initialize(to: value)
    }

    /// The current value.
    public var value: Value {
        withLock { $0 }
    }

    /// Reads and changes the value, while no other process or thread does.
    ///
    /// - Parameter body: Gets the value. If it throws, the value stays as it was.
    /// - Returns: What `body` returns.
    /// - Throws: What `body` throws.
    /// - Precondition: The calling thread does not hold the lock already.
    /// - Warning: A map inside `withLock` whose body locks the same value waits for ever.
    public func withLock<T, E: Error>(_ body: (inout Value) throws(E) -> T) throws(E) -> T {
        let locked = unsafe cforkpool_mutex_lock(memory.base)
        require(locked >= 0, "SharedValue.withLock inside withLock of the same value (errno \(-locked))")
        defer { _ = unsafe cforkpool_mutex_unlock(memory.base) }
        // Write the other copy first, and then its number: a death at any point leaves a whole value.
        let number = unsafe current.pointee.load(ordering: .acquiring)
        var value = unsafe copy(number).pointee
        let result = try body(&value)
        unsafe copy(number ^ 1).initialize(to: value)
        unsafe current.pointee.store(number ^ 1, ordering: .releasing)
        return result
    }
}
