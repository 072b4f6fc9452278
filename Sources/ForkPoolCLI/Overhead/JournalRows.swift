// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool
import Glibc

/// The rows of `overhead` with a journal: the processor time of the same map with and without one.
///
/// The journal's thread works beside the workers, so the time of the clock depends on free processors. Nothing waits for the
/// disk (`sync: .none`): the kernel has the results, which is enough where a process is killed.
struct JournalRows {
    private static let million = 1_000_000
    private let pool = ForkPool(workers: 2)

    func all() -> [Row] {
        let turns = Self.turnsInMicrosecond
        return [
            row("no-ops", rounds: 21, noOp),
            row("bodies of 0.1 µs", rounds: 11) { Int(truncatingIfNeeded: churn($0, turns: turns / 10)) },
            row("bodies of 1 µs", rounds: 11) { Int(truncatingIfNeeded: churn($0, turns: turns)) },
        ]
    }

    private func row(_ bodies: String, rounds: Int, _ body: @escaping (Int) -> Int) -> Row {
        Row(
            name: "journal: 1 million \(bodies), processor time", unit: "ns/item",
            perSecond: 1e9 / Double(Self.million),
            rounds: rounds,
            cells: [
                Cell(.oneShot) { try processorSeconds { blackHole(try pool.map(0..<Self.million, body)) } },
                Cell(.journal, on: try JournalFolder()) { folder in
                    folder.clear()
                    return try processorSeconds {
                        blackHole(try pool.map(0..<Self.million, journal: folder.path, sync: .none, body))
                    }
                },
            ])
    }

    /// The turns of `churn` that take a microsecond here.
    private static let turnsInMicrosecond: Int = {
        let turns = 1_000_000
        let times = (0..<5).map { item in seconds { blackHole(churn(item, turns: turns)) } }
        return max(1, Int(Double(turns) * 1e-6 / max(times.min()!, 1e-9)))
    }()
}

/// Returns the processor time, in seconds, that work takes in this process and in the children that it reaps.
private func processorSeconds(_ body: () throws -> Void) rethrows -> Double {
    func spent() -> Double {
        [RUSAGE_SELF, RUSAGE_CHILDREN].reduce(0) { sum, whose in
            var usage = rusage()
            unsafe getrusage(whose.rawValue, &usage)
            let (user, system) = (usage.ru_utime, usage.ru_stime)
            return sum + Double(user.tv_sec + system.tv_sec) + Double(user.tv_usec + system.tv_usec) * 1e-6
        }
    }
    let before = spent()
    try body()
    return spent() - before
}

/// A folder for a journal, which is removed with this object.
final class JournalFolder {
    private let folder: String
    var path: String { folder + "/journal" }

    init() throws(OverheadError) {
        var name = Array("/tmp/forkpool-overhead-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&name) != nil else { throw .unwritable("/tmp", errno) }
        folder = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        clear()
        unsafe rmdir(folder)
    }

    /// Removes the journal, so that the next map begins anew.
    func clear() {
        unsafe unlink(path)
    }
}

extension Workload {
    static let journals: [Workload] = [
        Workload(name: "map of no-ops with a journal", unit: .item, count: 50_000) { count in
            let folder = try JournalFolder()
            blackHole(try ForkPool(workers: 2).map(0..<count, journal: folder.path, sync: .none, noOp))
        },
        Workload(name: "map of strings with a journal", unit: .item, count: 10_000) { count in
            let folder = try JournalFolder()
            blackHole(
                try ForkPool(workers: 2).map(0..<count, journal: folder.path, sync: .none) { _ in
                    "forty bytes, which are no small string.."
                })
        },
    ]
}
#endif
