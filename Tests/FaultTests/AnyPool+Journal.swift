// SPDX-License-Identifier: Apache-2.0
import ForkPool

/// What is told of a journal that cannot be written, while the map goes on.
typealias JournalHearing = @Sendable (ForkPool.Failure) -> Void

extension AnyPool {
    func map<C: Collection>(
        _ inputs: C, journal: String, key: String = "", sync: ForkPool.JournalSync = .none,
        onFailure: JournalHearing? = nil
    ) throws(ForkPool.Failure) -> [Output] where C.Element == Input {
        if let (pool, job) = oneShotParts {
            return try pool.map(inputs, journal: journal, key: key, sync: sync, onFailure: onFailure) {
                try job.act($0)
            }
        }
        return try resident.map(inputs, journal: journal, key: key, sync: sync, onFailure: onFailure)
    }

    func mapResults<C: Collection>(
        _ inputs: C, journal: String
    ) -> [Result<Output, ForkPool.Failure>] where C.Element == Input {
        if let (pool, job) = oneShotParts { return pool.mapResults(inputs, journal: journal) { try job.act($0) } }
        return resident.mapResults(inputs, journal: journal)
    }

    func forEach<C: Collection>(_ inputs: C, journal: String) throws(ForkPool.Failure) where C.Element == Input {
        if let (pool, job) = oneShotParts {
            return try pool.forEach(inputs, journal: journal) { _ = try job.act($0) }
        }
        try resident.forEach(inputs, journal: journal)
    }

    nonisolated(nonsending) func map<C: Collection>(
        _ inputs: C, journal: String
    ) async throws(ForkPool.Failure) -> [Output] where C.Element == Input {
        if let (pool, job) = oneShotParts { return try await pool.map(inputs, journal: journal) { try job.act($0) } }
        return try await resident.map(inputs, journal: journal)
    }
}
