// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

// Results of the standard library's own types are decoded on several threads: no code of the user runs for them.

extension ResultMemory {
    /// The bytes of results from which on a further thread saves more than its start costs.
    private static let share = 256 << 10
    private static let maxThreads = 8

    /// On how many threads to decode results that need no code but this library's.
    var decodingThreads: Int {
        guard count > 1 else { return 1 }
        let shares = size(upTo: Self.maxThreads * Self.share) / Self.share
        return shares < 2 ? 1 : min(shares, count, Processors.recentlyAvailable)
    }

    /// Decodes the results, all of which are there, on several threads; throws the failure of the lowest index.
    ///
    /// A result that `read` does not read is left to this thread, which says what is wrong with it.
    func decoded<R>(
        threads: Int, _ read: (UnsafeRawBufferPointer, UnsafeMutablePointer<R>) -> Bool,
        otherwise decode: (UnsafeRawBufferPointer) throws -> R
    ) throws(ForkPool.Failure) -> [R] {
        let next = Atomic(0)
        let portion = max(1, count / (threads * 16))
        let left = Locked<[Int]>([])
        var failure: ForkPool.Failure?
        let results = unsafe [R](unsafeUninitializedCapacity: count) { results, initialized in
            let start = results.baseAddress!
            ThreadGroup.run(threads: threads) {
                while case let begin = next.add(portion, ordering: .relaxed).oldValue, begin < count {
                    for item in begin..<min(begin + portion, count)
                    where unsafe !self.read(item, to: start + item, read) {
                        left.withLock { $0.append(item) }
                    }
                }
            }
            var missing = left.withLock { $0 }.sorted()[...]
            while failure == nil, let item = missing.first {
                switch unsafe decoded(item, decode).result {
                case .success(let value):
                    unsafe (start + item).initialize(to: value)
                    missing.removeFirst()
                case .failure(let error): failure = error
                }
            }
            initialized = failure == nil ? count : 0
            guard failure != nil else { return }
            let absent = Set(missing)
            for item in 0..<count where !absent.contains(item) { unsafe (start + item).deinitialize(count: 1) }
        }
        if let failure { throw failure }
        return results
    }

    /// How many bytes the coded results have, or `limit` if they have more.
    private func size(upTo limit: Int) -> Int {
        var size = 0
        for item in 0..<count where size < limit { size += min(max(0, extent(of: item).length), limit) }
        return min(size, limit)
    }

    /// Reads a result by `read`; returns false, and leaves the memory as it is, if that does not read it.
    private func read<R>(
        _ item: Int, to memory: UnsafeMutablePointer<R>,
        _ read: (UnsafeRawBufferPointer, UnsafeMutablePointer<R>) -> Bool
    ) -> Bool {
        guard let bytes = unsafe codedBytes(of: item) else { return false }
        return unsafe read(bytes, memory)
    }
}
