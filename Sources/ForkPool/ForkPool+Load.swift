// SPDX-License-Identifier: Apache-2.0

// How much a pool has to do.

extension ForkPool {
    /// The number of maps that wait for their first worker: a snapshot, which may have changed when you read it.
    public var pending: Int { maps.load.pending }

    /// The number of workers that the maps of this pool have now, at most `workers`: a snapshot.
    ///
    /// Resident pools and streams have workers of their own, which do not count.
    public var busy: Int { maps.load.busy }
}

extension ForkPool.Resident {
    /// The number of submitted calls and maps that no worker has begun with, and none is free for: a snapshot, which may have
    /// changed when you read it.
    ///
    /// Callers that wait for room under `Options.maxPending` have submitted nothing yet, and do not count. Where several jobs
    /// share the workers, the number is that of all of them.
    public var pending: Int { pool.isOwn ? pool.load.pending : 0 }

    /// The number of workers that are on a call, a map or a stream now, of any job that shares the workers: a snapshot.
    public var busy: Int { pool.isOwn ? pool.load.busy : 0 }
}
