// SPDX-License-Identifier: Apache-2.0

// How a caller reads results of a map over several hosts.

extension GatheredResults {
    /// The results, which are bit patterns.
    package func array<R>(of type: R.Type) -> [R] { memory.array(of: type) }

    /// The results, which are coded; throws the failure of the lowest index.
    package func decoded<R: Decodable>(as type: R.Type) throws(ForkPool.Failure) -> [R] {
        var results: [R] = []
        results.reserveCapacity(count)
        for item in 0..<count { results.append(try decoded(item, as: type).get()) }
        return results
    }

    /// The outcomes, where results are bit patterns.
    package func results<R>(of type: R.Type) -> [Result<R, ForkPool.Failure>] {
        (0..<count).map { item in
            if let failure = failures[item] { return .failure(failure) }
            return .success(unsafe memory.slots.load(fromByteOffset: item * stride, as: R.self))
        }
    }

    /// The outcomes, where results are coded.
    package func decodedResults<R: Decodable>(as type: R.Type) -> [Result<R, ForkPool.Failure>] {
        (0..<count).map { decoded($0, as: type) }
    }

    private func decoded<R: Decodable>(_ item: Int, as type: R.Type) -> Result<R, ForkPool.Failure> {
        if let failure = failures[item] { return .failure(failure) }
        return unsafe memory.decoded(item) { bytes in unsafe try BinaryDecoder.decode(type, from: bytes) }.result
    }
}
