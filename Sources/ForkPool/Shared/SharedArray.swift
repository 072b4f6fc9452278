// SPDX-License-Identifier: Apache-2.0
/// An array of fixed size in memory that the parent and its workers share.
///
/// ```swift
/// let (width, height) = (640, 480)
/// let image = SharedArray<Float>(count: width * height)
/// try ForkPool().forEach(0..<height) { y in
///     for x in 0..<width { image[y * width + x] = Float(x * y) }
/// }
/// ```
///
/// Processes that write to different elements need no lock. Two processes that write to the same element, or one that reads
/// what another writes, need a `SharedValue` or another way to take turns.
@safe public final class SharedArray<Element: BitwiseCopyable>: @unchecked Sendable {
    @usableFromInline let elements: UnsafeMutableBufferPointer<Element>
    /// Owns the memory: a mapping, or the result of a map.
    private let owner: AnyObject

    /// Creates an array whose elements are all zero bytes.
    ///
    /// - Parameter count: The number of elements.
    /// - Precondition: `count` is at least 0, and the system grants the memory.
    public init(count: Int) {
        require(count >= 0, "a SharedArray has at least 0 elements, not \(count)")
        let (size, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        require(!overflow, "a SharedArray of \(count) elements is larger than any memory")
        let memory = SharedMemory(size: size)
        owner = memory
        unsafe elements = UnsafeMutableBufferPointer(
            start: memory.base.bindMemory(to: Element.self, capacity: count), count: count)
    }

    /// Creates an array with the same value everywhere.
    ///
    /// - Parameters:
    ///   - value: The value of each element.
    ///   - count: The number of elements.
    /// - Precondition: As for `init(count:)`.
    public convenience init(repeating value: Element, count: Int) {
        self.init(count: count)
        unsafe elements.update(repeating: value)
    }

    @usableFromInline
    init(_ result: MapResult, count: Int) {
        owner = result
        unsafe elements = UnsafeMutableBufferPointer(
            start: result.memory.slots.bindMemory(to: Element.self, capacity: count), count: count)
    }

    /// Takes the slots of a map over several hosts, in the memory where they are.
    package init(_ results: GatheredResults, count: Int) {
        owner = results
        unsafe elements = UnsafeMutableBufferPointer(
            start: results.memory.slots.bindMemory(to: Element.self, capacity: count), count: count)
    }

    /// Reads all elements in place.
    ///
    /// - Parameter body: Gets the elements.
    /// - Returns: What `body` returns.
    /// - Throws: What `body` throws.
    @_alwaysEmitIntoClient
    public func withSpan<T, E: Error>(_ body: (Span<Element>) throws(E) -> T) throws(E) -> T {
        try body(unsafe UnsafeBufferPointer(elements).span)
    }

    /// Writes elements in place.
    ///
    /// - Parameter body: Gets the elements.
    /// - Returns: What `body` returns.
    /// - Throws: What `body` throws.
    @_alwaysEmitIntoClient
    public func withMutableSpan<T, E: Error>(_ body: (inout MutableSpan<Element>) throws(E) -> T) throws(E) -> T {
        var span = unsafe elements.mutableSpan
        return try body(&span)
    }
}

extension SharedArray: RandomAccessCollection {
    /// The first index, 0.
    @_alwaysEmitIntoClient public var startIndex: Int { 0 }

    /// The number of elements.
    @_alwaysEmitIntoClient public var endIndex: Int { unsafe elements.count }

    /// Reads or writes an element, seen by every process that shares the array.
    ///
    /// - Parameter index: The element's index.
    /// - Returns: The element.
    /// - Precondition: `index` is at least 0 and less than `count`.
    @_alwaysEmitIntoClient public subscript(index: Int) -> Element {
        get {
            require(index >= 0 && index < endIndex, "SharedArray index out of range")
            return unsafe elements[index]
        }
        set {
            require(index >= 0 && index < endIndex, "SharedArray index out of range")
            unsafe elements[index] = newValue
        }
    }
}
