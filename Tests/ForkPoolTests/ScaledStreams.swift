// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport

/// Streams of each kind of pool, which multiply numbers by 3.
struct ScaledStreams {
    private let pool: ForkPool
    private let resident: ForkPool.Resident<Int, Int>?

    init(_ kind: Kind, options: ForkPool.Options = .init()) throws {
        pool = ForkPool(workers: 2, options: options)
        resident =
            switch kind {
            case .oneShot: nil
            case .residentBody: try pool.resident { (item: Int) in item * 3 }
            case .residentJob: try pool.resident(Scaled(factor: 3), start: .fork)
            case .exec: try pool.resident(Scaled(factor: 3), start: .exec)
            }
    }

    func stream<S: Sequence<Int>>(_ items: S, order: ForkPool.Order = .input) -> ForkPool.Stream<Int> {
        resident?.stream(items, order: order) ?? pool.stream(items, order: order) { $0 * 3 }
    }

    func stream<S: AsyncSequence & SendableMetatype>(
        _ items: sending S, order: ForkPool.Order = .input
    ) -> ForkPool.Stream<Int> where S.Element == Int {
        if let resident { return resident.stream(items, order: order) }
        return pool.stream(items, order: order) { $0 * 3 }
    }

    func close() { resident?.close() }

    func finish() async { await resident?.finish() }
}
