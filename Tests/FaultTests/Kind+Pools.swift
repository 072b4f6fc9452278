// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport

/// Starts pools of each kind, and checks what they survive.
extension Kind {
    /// Starts a pool for a job, or for a closure that does the same.
    func start<J: PlainJob>(
        _ job: J, workers: Int = 2, options: ForkPool.Options = .init()
    ) throws(ForkPool.Failure) -> AnyPool<J> {
        let pool = ForkPool(workers: workers, options: options)
        return switch self {
        case .oneShot: AnyPool(.oneShot(pool, job))
        case .residentBody:
            AnyPool(.resident(try pool.resident { (input: J.Input) -> J.Output in try job.act(input) }))
        case .residentJob: AnyPool(.resident(try pool.resident(job, start: .fork)))
        case .exec: AnyPool(.resident(try pool.resident(job, start: .exec)))
        }
    }

    /// Runs deeds in a warm pool and checks their outcomes; expects that the same pool then works as before, and that
    /// nothing is left.
    func survive(
        _ deeds: [Deed], workers: Int = 2, options: ForkPool.Options = .init(),
        _ check: ([Result<Int, ForkPool.Failure>]) throws -> Void
    ) {
        Scene.survive(self, workers: workers, options: options) { pool throws in try check(pool.mapResults(deeds)) }
    }

    /// Does the same with a map that ends with its first failure; returns that failure.
    func failure(of deeds: [Deed], options: ForkPool.Options = .init()) -> ForkPool.Failure? {
        var seen: ForkPool.Failure?
        Scene.survive(self, options: options) { pool throws in
            seen = FaultTests.failure { () throws(ForkPool.Failure) in try pool.map(deeds) }
        }
        return seen
    }
}
