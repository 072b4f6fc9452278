// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool

/// The kind of workers in the tour.
enum TourWorkers {
    /// Each map forks its own workers.
    case forEachMap
    /// Workers start once, and stay for all maps of a chapter.
    case resident

    /// Makes a map function for one body.
    ///
    /// - Parameters:
    ///   - pool: The pool.
    ///   - body: Runs in a worker, once for each item.
    /// - Returns: The map function, and the seconds to start resident workers; nil if each map forks its own.
    /// - Throws: `ForkPool.Failure` if the system refuses memory or all workers.
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
    /// Makes the member with the seconds to start resident workers; none for nil.
    static func start(_ seconds: Double?) -> [(String, JSON)] {
        seconds.map { [("start_seconds", .seconds($0))] } ?? []
    }
}
#endif
