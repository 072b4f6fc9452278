// SPDX-License-Identifier: Apache-2.0

/// Elements of a stream that are ready, in the reader's own memory: some results, or one failure.
///
/// A loop takes them by code that is compiled for its type; what fills the run is not. The elements lie behind a pointer, not in
/// an array: that would cost two checks of exclusive access and two reference counts for each.
@usableFromInline
@safe final class StreamRun<Output> {
    @usableFromInline
    @unsafe struct Elements {
        /// The results from `next` to `count` are there, and are the run's own.
        @usableFromInline var outputs: UnsafeMutablePointer<Output>
        @usableFromInline var next = 0
        @usableFromInline var count = 0
        /// The indices of the results; nil if they follow `first`.
        @usableFromInline var indices: UnsafeMutablePointer<Int>?
        @usableFromInline var first = 0
    }

    @usableFromInline let elements: UnsafeMutablePointer<Elements>
    private var capacity = 64
    /// The failure to take, and its index.
    var failure: (index: Int, failure: ForkPool.Failure)?

    init() {
        unsafe elements = .allocate(capacity: 1)
        unsafe elements.initialize(to: Elements(outputs: .allocate(capacity: capacity)))
    }

    deinit {
        removeAll()
        unsafe elements.pointee.outputs.deallocate()
        unsafe elements.pointee.indices?.deallocate()
        unsafe elements.deallocate()
    }

    /// The number of results that were appended since the run was last emptied.
    var resultCount: Int { unsafe elements.pointee.count }

    /// The number of elements that were not taken.
    var count: Int { unsafe elements.pointee.count - elements.pointee.next + (failure == nil ? 0 : 1) }

    /// Takes the next result, if there is one.
    @_alwaysEmitIntoClient @inline(__always)
    func take() -> (index: Int, output: Output)? {
        let elements = unsafe elements
        let number = unsafe elements.pointee.next
        guard unsafe number < elements.pointee.count else { return nil }
        unsafe elements.pointee.next = number + 1
        let index = unsafe elements.pointee.indices.map { unsafe $0[number] } ?? elements.pointee.first + number
        return (index, unsafe (elements.pointee.outputs + number).move())
    }

    /// Takes the next result or failure.
    func takeAny() -> (index: Int, result: Result<Output, ForkPool.Failure>)? {
        if let (index, output) = take() { return (index, .success(output)) }
        return exchange(&failure, with: nil).map { ($0.index, .failure($0.failure)) }
    }
}

// MARK: - Filling

extension StreamRun {
    /// Drops the elements that were not taken.
    func removeAll() {
        let (next, count) = unsafe (elements.pointee.next, elements.pointee.count)
        unsafe (elements.pointee.outputs + next).deinitialize(count: count - next)
        unsafe elements.pointee.next = 0
        unsafe elements.pointee.count = 0
    }

    /// Appends a result; `index` is nil if the results follow `first`.
    func append(_ output: Output, index: Int?) {
        reserve(1, indexed: index != nil)
        let number = unsafe elements.pointee.count
        unsafe (elements.pointee.outputs + number).initialize(to: output)
        if let index { unsafe elements.pointee.indices?[number] = index }
        unsafe elements.pointee.count = number + 1
    }

    /// Appends copies of results that follow one another; `firstIndex` is nil if the run's results follow `first`.
    func append(_ outputs: UnsafeBufferPointer<Output>, firstIndex: Int?) {
        guard let start = outputs.baseAddress else { return }
        reserve(outputs.count, indexed: firstIndex != nil)
        let number = unsafe elements.pointee.count
        if let firstIndex {
            for offset in 0..<outputs.count { unsafe elements.pointee.indices?[number + offset] = firstIndex + offset }
        }
        unsafe (elements.pointee.outputs + number).initialize(from: start, count: outputs.count)
        unsafe elements.pointee.count = number + outputs.count
    }

    /// Sets the index of the first result that is appended without one.
    func begin(at first: Int) {
        unsafe elements.pointee.first = first
    }

    /// Makes room for more results, which move if there is none.
    private func reserve(_ more: Int, indexed: Bool) {
        let count = unsafe elements.pointee.count
        if indexed, unsafe elements.pointee.indices == nil {
            unsafe elements.pointee.indices = .allocate(capacity: capacity)
        }
        guard count + more > capacity else { return }
        capacity = max(2 * capacity, count + more)
        // Nothing is taken while the run is filled.
        let outputs = UnsafeMutablePointer<Output>.allocate(capacity: capacity)
        unsafe outputs.moveInitialize(from: elements.pointee.outputs, count: count)
        unsafe elements.pointee.outputs.deallocate()
        unsafe elements.pointee.outputs = outputs
        if let old = unsafe elements.pointee.indices {
            let indices = UnsafeMutablePointer<Int>.allocate(capacity: capacity)
            unsafe indices.moveInitialize(from: old, count: count)
            unsafe old.deallocate()
            unsafe elements.pointee.indices = indices
        }
    }
}
