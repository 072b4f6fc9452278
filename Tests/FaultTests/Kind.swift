import ForkPool
import Testing

/// The kinds of pools that a fault must be survived by.
enum Kind: String, Codable, CaseIterable, Sendable {
    case oneShot
    case residentBody
    case residentJob
    case exec

    private var way: Way? { Way(self) }

    /// Has workers do deeds with a pool that is warm, and returns what became of each; then the same pool answers as before, and
    /// nothing is left.
    func survive(
        _ deeds: [Deed], workers: Int = 2, options: ForkPool.Options = .init(),
        _ check: ([Result<Int, ForkPool.Failure>]) throws -> Void
    ) {
        if let way {
            ResidentScene.survive(way, workers: workers, options: options) { pool throws in
                try check(pool.mapResults(deeds))
            }
        } else {
            Scene.survive(workers: workers, options: options) { pool throws in
                try check(pool.mapResults(deeds) { try $0.perform() })
            }
        }
    }

    /// Does the same with a map that ends with its first failure, and returns that.
    func failure(
        of deeds: [Deed], workers: Int = 2, options: ForkPool.Options = .init()
    ) -> ForkPool.Failure? {
        var seen: ForkPool.Failure?
        if let way {
            ResidentScene.survive(way, workers: workers, options: options) { pool throws in
                seen = FaultTests.failure { () throws(ForkPool.Failure) in try pool.map(deeds) }
            }
        } else {
            Scene.survive(workers: workers, options: options) { pool throws in
                seen = FaultTests.failure { () throws(ForkPool.Failure) in try pool.map(deeds) { try $0.perform() } }
            }
        }
        return seen
    }
}

extension Way {
    /// The way in which the workers of a kind of pool are started; nil for a one-shot pool.
    init?(_ kind: Kind) {
        switch kind {
        case .oneShot: return nil
        case .residentBody: self = .body
        case .residentJob: self = .job
        case .exec: self = .exec
        }
    }
}
