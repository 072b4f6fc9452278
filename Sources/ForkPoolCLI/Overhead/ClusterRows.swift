// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool
import ForkPoolCluster
import Glibc

/// The rows of `overhead --cluster`: what a map over several hosts costs.
///
/// Every host runs each row, and makes the same calls; what one host alone does, the root does.
struct ClusterRows {
    static let workers = 2
    private static let million = 1_000_000

    private let cluster: Cluster
    /// The root alone, with as many workers as all hosts have.
    private let pool: ForkPool

    init(_ cluster: Cluster) {
        self.cluster = cluster
        pool = ForkPool(workers: Self.workers * cluster.hosts)
    }

    var all: [Row] {
        [
            chunk, waits, delivery(of: "no-ops", noOp), delivery(of: "items of about 1 µs") { churn($0, turns: 1000) },
            journal,
        ]
    }

    private var hosts: String { cluster.hosts == 1 ? "1 host" : "\(cluster.hosts) hosts" }

    /// The time from one range of items to the next, when ranges have one item: that of a message and its answer.
    private var chunk: Row {
        let chunks = 20_000
        return Row(
            name: "a chunk of 1 no-op, to \(hosts)", unit: "µs/chunk", perSecond: 1e6 / Double(chunks), rounds: 11,
            cells: [
                Cell(.cluster) {
                    cluster.fixedRange = 1
                    defer { cluster.fixedRange = nil }
                    return try seconds { blackHole(try cluster.map(0..<chunks, deliver: .root, noOp)) }
                }
            ])
    }

    private var waits: Row {
        let items = 3000
        return Row(
            name: "\(items) items of 5 ms, \(hosts) × \(Self.workers) workers", unit: "s", perSecond: 1, rounds: 5,
            cells: [
                Cell(.cluster) {
                    try seconds {
                        let results = try cluster.map(0..<items) { item in
                            usleep(5000)
                            return item
                        }
                        blackHole(results)
                    }
                },
                Cell(.ideal) { Double(items) * 0.005 / Double(cluster.hosts * Self.workers) },
            ])
    }

    private func delivery<R: BitwiseCopyable & Codable>(of what: String, _ body: @escaping (Int) -> R) -> Row {
        let million = Self.million
        return Row(
            name: "results of a million \(what), to every host", unit: "ms", perSecond: 1e3, rounds: 11,
            cells: [
                // Beside it the root has as many workers, since hosts that are namespaces share their processors.
                Cell(.cluster) { try seconds { blackHole(try cluster.map(0..<million, body)) } },
                Cell(.oneHost) {
                    guard cluster.isRoot else { return 0 }
                    return try seconds { blackHole(try pool.map(0..<million, body)) }
                },
            ])
    }

    private var journal: Row {
        let million = Self.million
        return Row(
            name: "results of a million no-ops, with a journal", unit: "ms", perSecond: 1e3, rounds: 11,
            cells: [
                Cell(.cluster) {
                    // The root alone writes it. A journal serves one map, so each round has one of its own.
                    let folder = try ScratchJournal()
                    return try seconds { blackHole(try cluster.map(0..<million, journal: folder.path, noOp)) }
                },
                Cell(.withoutJournal) { try seconds { blackHole(try cluster.map(0..<million, noOp)) } },
            ])
    }
}

/// A journal that is removed with its folder.
private struct ScratchJournal: ~Copyable {
    private let folder: String
    var path: String { folder + "/journal" }

    init() throws {
        let parent = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
        var name = Array("\(parent)/forkpool-overhead-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&name) != nil else { throw OverheadError.noFolder(parent, errno) }
        folder = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        _ = unsafe unlink(path)
        _ = unsafe rmdir(folder)
    }
}
#endif
