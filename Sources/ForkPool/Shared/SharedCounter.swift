internal import Synchronization

/// Counts across processes: what a worker adds, the parent sees.
///
/// ```swift
/// let primes = SharedCounter()
/// try ForkPool().forEach(2..<1000) { n in
///     if (2..<n).allSatisfy({ n % $0 != 0 }) { primes.add(1) }
/// }
/// print(primes.value)
/// ```
///
/// Make it before the map that uses it. What a worker added before it crashed stays added.
public final class SharedCounter: Sendable {
    private let memory = SharedMemory(size: MemoryLayout<Int>.size)

    private var word: UnsafeMutablePointer<Atomic<Int>> {
        unsafe memory.base.assumingMemoryBound(to: Atomic<Int>.self)
    }

    /// Creates a counter.
    ///
    /// - Parameter value: What it begins with.
    public init(_ value: Int = 0) {
        unsafe word.pointee.store(value, ordering: .relaxed)
    }

    /// What the counter holds now.
    public var value: Int {
        unsafe word.pointee.load(ordering: .sequentiallyConsistent)
    }

    /// Adds to the counter in one atomic step; an overflow wraps.
    ///
    /// - Parameter amount: What to add; it may be negative.
    /// - Returns: The value after.
    @discardableResult
    public func add(_ amount: Int = 1) -> Int {
        unsafe word.pointee.wrappingAdd(amount, ordering: .sequentiallyConsistent).newValue
    }
}
