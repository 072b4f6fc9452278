import ForkPool

/// Where the tour's pools have their workers from.
enum TourWorkers {
    /// Each map forks its own.
    case forEachMap
    /// They are started once, and stay for all maps of a chapter.
    case resident

    /// Takes a pool into service for one body.
    ///
    /// - Parameters:
    ///   - pool: The pool.
    ///   - body: Runs in a worker, once for each item.
    /// - Returns: What maps, and the seconds that it took to start workers that stay.
    /// - Throws: The refusal, if the system refuses memory or every worker.
    func mapper<Input: BitwiseCopyable, Output: BitwiseCopyable>(
        _ pool: ForkPool, _ body: @escaping (Input) -> Output
    ) throws(ForkPool.Failure) -> (map: ([Input]) throws(ForkPool.Failure) -> [Output], startSeconds: Double?) {
        switch self {
        case .forEachMap:
            return ({ (items) throws(ForkPool.Failure) in try pool.map(items, body) }, nil)
        case .resident:
            let (resident, seconds) = try timed { () throws(ForkPool.Failure) in try pool.resident(body) }
            return ({ (items) throws(ForkPool.Failure) in try resident.map(items) }, seconds)
        }
    }
}

extension JSON {
    /// The seconds of a start, for a document's object; nothing where nothing was started once.
    static func start(_ seconds: Double?) -> [(String, JSON)] {
        seconds.map { [("start_seconds", .seconds($0))] } ?? []
    }
}
