// SPDX-License-Identifier: Apache-2.0
import ForkPool

/// The rows of a pool that forks for each map.
struct OneShot {
    private let pool = ForkPool(workers: 2)

    func row(_ name: String, _ count: Int) throws -> Row? {
        switch name {
        case "start", "noops": try noops(count)
        case "results": try results(count)
        case "sleeps": try sleeps(count)
        case "compute": try compute(count)
        case "killed": killed(count)
        case "stream": try Streams().oneShot(count)
        default: try Coded().oneShot(name, count)
        }
    }

    private func noops(_ count: Int) throws -> Row {
        let job = Work.Same()
        return try timed({ $0 == Array(0..<count) }) { try pool.map(0..<count, job.run) }
    }

    private func results(_ count: Int) throws -> Row {
        let job = Work.Big()
        return try timed({ Work.areBig($0, count) }) { try pool.map(0..<count, job.run) }
    }

    private func sleeps(_ count: Int) throws -> Row {
        let (job, pool) = (Work.Nap(), ForkPool(workers: 10))
        return try timed({ $0 == Array(0..<count) }) { try pool.map(0..<count, job.run) }
    }

    private func compute(_ count: Int) throws -> Row {
        let job = Work.Churn()
        return try besideOneAfterTheOther(count) { try pool.map(0..<count, job.run) }
    }

    private func killed(_ count: Int) -> Row {
        let job = Work.SameButSeven()
        let outcomes = pool.mapResults(0..<count, job.run)
        return .damage(got: right(outcomes), then: (try? pool.map([0], job.run)) == [0])
    }
}

/// The rows that read results in place, without copying them.
struct InPlace {
    private let pool = ForkPool(workers: 2)

    func row(_ name: String, _ count: Int) throws -> Row? {
        switch name {
        case "noops": try noops(count)
        case "results": try results(count)
        case "warm-noops": try warmNoops(count)
        default: nil
        }
    }

    private func noops(_ count: Int) throws -> Row {
        let job = Work.Same()
        return try timed({ $0 }) {
            try pool.withMapped(0..<count, job.run) { (all: Span<Int>) in all[0] == 0 && all[count - 1] == count - 1 }
        }
    }

    private func results(_ count: Int) throws -> Row {
        let size = Work.mebibyte
        let areRight = { (all: SharedArray<UInt8>) in
            all.count == count * size && (0..<count).allSatisfy { all[($0 + 1) * size - 1] == UInt8($0) }
        }
        return try timed(areRight) {
            try pool.fill(count: count, slot: size, of: UInt8.self) { item, bytes in
                bytes.update(repeating: UInt8(truncatingIfNeeded: item))
            }
        }
    }

    private func warmNoops(_ count: Int) throws -> Row {
        let resident = try pool.resident(Work.Same().run)
        defer { resident.close() }
        let items = Array(0..<count)
        let map = { try resident.withMapped(items) { $0[0] == 0 && $0[count - 1] == count - 1 } }
        _ = try map()
        return try timed({ $0 }, map)
    }
}
