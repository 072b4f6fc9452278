// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// A counter that the parent and its workers share.
///
/// ```swift
/// let primes = SharedCounter()
/// try ForkPool().forEach(2..<1000) { n in
///     if (2..<n).allSatisfy({ n % $0 != 0 }) { primes.add(1) }
/// }
/// print(primes.value)
/// ```
///
/// Create it before the map that uses it. A worker's additions stay even if it crashes later.
public final class SharedCounter: Sendable {
    private let memory = SharedMemory(size: MemoryLayout<Int>.size)

    private var word: UnsafeMutablePointer<Atomic<Int>> {
        unsafe memory.base.assumingMemoryBound(to: Atomic<Int>.self)
    }

    /// Creates a counter.
    ///
    /// - Parameter value: The initial value.
    public init(_ value: Int = 0) {
        unsafe word.pointee.store(value, ordering: .relaxed)
    }

    /// The current value.
    public var value: Int {
        unsafe word.pointee.load(ordering: .sequentiallyConsistent)
    }

    /// Adds to the counter in one atomic step; an overflow wraps.
    ///
    /// - Parameter amount: The number to add; it may be negative.
    /// - Returns: The new value.
    @discardableResult
    public func add(_ amount: Int = 1) -> Int {
        unsafe word.pointee.wrappingAdd(amount, ordering: .sequentiallyConsistent).newValue
    }
}
