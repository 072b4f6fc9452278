// SPDX-License-Identifier: Apache-2.0
import ForkPool

/// The rows of a resident pool, with workers by fork or by exec.
struct Warm {
    let start: ForkPool.Start
    private let pool = ForkPool(workers: 2)

    init(_ start: ForkPool.Start) {
        self.start = start
    }

    func row(_ name: String, _ count: Int) throws -> Row? {
        let isSame = { $0 == Array(0..<count) }
        return switch name {
        case "start", "noops": try timed(isSame) { try once(same(), count) }
        case "results": try timed({ Work.areBig($0, count) }) { try once(big(), count) }
        case "sleeps": try timed(isSame) { try once(nap(), count) }
        case "compute": try compute(count)
        case "warm-call": try calls(count)
        case "warm-noops": try second(same(), count, isSame)
        case "warm-results": try second(big(), count) { Work.areBig($0, count) }
        case "killed": try killed(count)
        case "stream", "warm-submit": try Streams().resident(name, count, start)
        default: try Coded().resident(name, count, start)
        }
    }

    /// Maps with the new pool, and closes it.
    private func once<R>(_ resident: ForkPool.Resident<Int, R>, _ count: Int) throws -> [R] {
        let results = try resident.map(0..<count)
        resident.close()
        return results
    }

    /// Measures the second map of a pool.
    private func second<R>(
        _ resident: ForkPool.Resident<Int, R>, _ count: Int, _ areRight: ([R]) -> Bool
    ) throws -> Row {
        defer { resident.close() }
        _ = try resident.map(0..<count)
        return try timed(areRight) { try resident.map(0..<count) }
    }

    private func compute(_ count: Int) throws -> Row {
        let resident = try churn()
        defer { resident.close() }
        _ = try resident.map(0..<2)
        return try besideOneAfterTheOther(count) { try resident.map(0..<count) }
    }

    private func calls(_ count: Int) throws -> Row {
        let resident = try same()
        defer { resident.close() }
        let calls = { try (0..<count).map { try resident($0) } }
        _ = try calls()
        return try timed({ $0 == Array(0..<count) }, per: count, calls)
    }

    private func killed(_ count: Int) throws -> Row {
        let resident = try sameButSeven()
        defer { resident.close() }
        let outcomes = resident.mapResults(0..<count)
        return .damage(got: right(outcomes), then: (try? resident(0)) == 0)
    }

    // A forked worker runs any closure; an exec worker needs a job.

    private func same() throws -> ForkPool.Resident<Int, Int> {
        start == .exec ? try pool.resident(Work.Same(), start: .exec) : try pool.resident(Work.Same().run)
    }

    private func big() throws -> ForkPool.Resident<Int, [UInt8]> {
        start == .exec ? try pool.resident(Work.Big(), start: .exec) : try pool.resident(Work.Big().run)
    }

    private func nap() throws -> ForkPool.Resident<Int, Int> {
        let pool = ForkPool(workers: 10)
        return start == .exec ? try pool.resident(Work.Nap(), start: .exec) : try pool.resident(Work.Nap().run)
    }

    private func churn() throws -> ForkPool.Resident<Int, Int> {
        start == .exec ? try pool.resident(Work.Churn(), start: .exec) : try pool.resident(Work.Churn().run)
    }

    private func sameButSeven() throws -> ForkPool.Resident<Int, Int> {
        start == .exec
            ? try pool.resident(Work.SameButSeven(), start: .exec) : try pool.resident(Work.SameButSeven().run)
    }
}
