// SPDX-License-Identifier: Apache-2.0

/// Elements of a stream that are ready, in the reader's own memory: some results, or one failure.
///
/// A loop takes them by code that is compiled for its type; what fills the run is not.
@usableFromInline
final class StreamRun<Output> {
    @usableFromInline var outputs: [Output] = []
    /// The indices of the results, unless they follow `first`.
    @usableFromInline var indices: [Int] = []
    @usableFromInline var first = 0
    /// The next result to take.
    @usableFromInline var next = 0
    /// The failure to take, and its index.
    var failure: (index: Int, failure: ForkPool.Failure)?

    init() {}

    /// The number of elements that were not taken.
    var count: Int { outputs.count - next + (failure == nil ? 0 : 1) }

    /// Takes the next result, if there is one.
    @_alwaysEmitIntoClient @inline(__always)
    func take() -> (index: Int, output: Output)? {
        let number = next
        guard number < outputs.count else { return nil }
        next = number + 1
        return (indices.isEmpty ? first + number : indices[number], outputs[number])
    }

    /// Takes the next result or failure.
    func takeAny() -> (index: Int, result: Result<Output, ForkPool.Failure>)? {
        if let (index, output) = take() { return (index, .success(output)) }
        return exchange(&failure, with: nil).map { ($0.index, .failure($0.failure)) }
    }

    func removeAll() {
        outputs.removeAll(keepingCapacity: true)
        if !indices.isEmpty { indices.removeAll(keepingCapacity: true) }
        next = 0
    }
}
