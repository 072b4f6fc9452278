// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolCluster
import Glibc

/// The commands.
struct Program {
    let arguments: Arguments
    let cluster: Cluster
    private let item: Item
    private var journal: String? { arguments.text("journal") }
    private var key: String { arguments.text("key") ?? "" }

    struct Refusal: Error, Codable {
        var item: Int
    }

    init(_ arguments: Arguments, _ cluster: Cluster) {
        self.arguments = arguments
        self.cluster = cluster
        item = Item(arguments, rank: cluster.rank)
        Rank.number = cluster.rank
    }

    func run() throws {
        switch arguments.command {
        case "hello":
            let workers = cluster.pool.workers
            show("hello rank=\(cluster.rank) hosts=\(cluster.hosts) host=\(cluster.hostName) workers=\(workers)")
        case "map": try map()
        case "results": results()
        case "failure": try failure()
        case "disagree": try disagree()
        case "stall": try stall()
        case "chunk": try chunk()
        case "ideal": try ideal()
        case "delivery": try delivery()
        default: fatalError("there is no command \(arguments.command)")
        }
    }

    /// Prints a line on the root.
    func say(_ line: String) {
        if cluster.isRoot { show("\(arguments.command) \(line)") }
    }

    static func value(_ number: Int) -> UInt64 { UInt64(number) &* UInt64(number) &+ 1 }

    // MARK: - Maps

    private func map() throws {
        let count = arguments.number("items", 1000)
        var isRight = false
        let seconds = try Clock.seconds {
            switch arguments.text("type") {
            case "string":
                let results = try cluster.map(0..<count, journal: journal, key: key, deliver: arguments.delivery) {
                    item.run($0)
                    return String(repeating: "\($0) ", count: $0 % 50)
                }
                isRight = isWhole(results, count) { String(repeating: "\($0) ", count: $0 % 50) }
            case "slot":
                let slots = try cluster.fill(
                    count: count, slot: 125, of: UInt64.self, journal: journal, key: key, deliver: arguments.delivery
                ) { number, slot in
                    item.run(number)
                    for place in slot.indices { slot[place] = Self.value(number + place) }
                }
                isRight = isWhole(Array(slots), count * 125) { Self.value($0 / 125 + $0 % 125) }
            default:
                let results = try cluster.map(0..<count, journal: journal, key: key, deliver: arguments.delivery) {
                    item.run($0)
                    return Self.value($0)
                }
                isRight = isWhole(results, count, Self.value)
            }
        }
        // Each rank that gets results checks them.
        if arguments.delivery == .all || cluster.isRoot {
            show("map rank=\(cluster.rank) hosts=\(cluster.hosts) items=\(count) ok=\(isRight) seconds=\(seconds)")
        }
    }

    private func isWhole<R: Equatable>(_ results: [R], _ count: Int, _ value: (Int) -> R) -> Bool {
        if arguments.delivery == .root, !cluster.isRoot { return results.isEmpty }
        return results.count == count && results.indices.allSatisfy { results[$0] == value($0) }
    }

    private func results() {
        let count = arguments.number("items", 100)
        let results = cluster.mapResults(0..<count, journal: journal, key: key, deliver: arguments.delivery) { number in
            item.run(number)
            if number % 10 == 0 { throw Refusal(item: number) }
            if number % 10 == 5 { kill(getpid(), SIGKILL) }
            return Self.value(number)
        }
        var (right, thrown, killed, hosts) = (0, 0, 0, Set<String>())
        for (number, result) in results.enumerated() {
            switch result {
            case .success(let value): if value == Self.value(number) { right += 1 }
            case .failure(let failure):
                if failure.thrown?.decode(as: Refusal.self)?.item == number { thrown += 1 }
                if failure.code == .killed, failure.index == number { killed += 1 }
                hosts.insert(failure.host ?? "")
            }
        }
        let names = hosts.sorted().joined(separator: ",")
        show("results rank=\(cluster.rank) right=\(right) thrown=\(thrown) killed=\(killed) hosts=\(names)")
    }

    private func failure() throws {
        let count = arguments.number("items", 1000)
        let bad = arguments.number("item", 500)
        do {
            _ = try cluster.map(0..<count, journal: journal, key: key, deliver: arguments.delivery) { number in
                item.run(number)
                if number >= bad { throw Refusal(item: number) }
                return number
            }
            show("failure rank=\(cluster.rank) none")
        } catch {
            show("failure rank=\(cluster.rank) index=\(error.index ?? -1) host=\(error.host ?? "") text=\(error)")
        }
        // The hosts are still in step.
        let after = try cluster.map(0..<10) { $0 }
        show("failure rank=\(cluster.rank) after=\(after == Array(0..<10))")
    }

    // MARK: - Faults

    private func disagree() throws {
        let isOdd = cluster.rank == 1
        switch isOdd ? arguments.text("how") : nil {
        case "count": _ = try cluster.map(0..<11) { $0 }
        case "line": _ = try cluster.map(0..<10) { $0 }
        case "type": _ = try map(0..<10) { UInt16($0) }
        case "leave": return
        case "throw": throw Refusal(item: 1)
        case "exit": exit(0)
        default: _ = try map(0..<10) { UInt64($0) }
        }
        show("disagree rank=\(cluster.rank) nothing=noticed")
    }

    /// A map that different types of results reach at the same line.
    private func map<R: BitwiseCopyable & Codable>(_ items: Range<Int>, _ body: (Int) -> R) throws -> [R] {
        try cluster.map(items, body)
    }

    private func stall() throws {
        let count = arguments.number("items", 100)
        let bad = arguments.number("item", 50)
        _ = try cluster.map(0..<count, journal: journal, key: key) { number in
            item.run(number)
            if number == bad { while true { pause() } }
            return number
        }
    }
}
