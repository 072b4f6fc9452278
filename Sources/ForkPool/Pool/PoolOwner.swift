// SPDX-License-Identifier: Apache-2.0

/// Shared by all that use a resident pool, or one of its jobs: it ends with the last one.
final class PoolOwner: Sendable {
    let pool: Pool
    let over: PrivateEvent
    /// The number of their job in a pool that has several.
    let job: Int

    init(pool: Pool, over: PrivateEvent, job: Int = 0) {
        self.pool = pool
        self.over = over
        self.job = job
    }

    deinit {
        pool.cancel(over, of: job, because: ForkPool.Failure.dropped)
    }
}
