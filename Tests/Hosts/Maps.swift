// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolCluster
import Glibc

struct Fact: Codable, Equatable {
    var number: Int
    var host: String
    var words: [String]
}

/// Makes every call of a cluster, and checks on each host what it returns there.
func mapEverything(_ cluster: Cluster) throws {
    let squares = try cluster.map(0..<200_000) { $0 * $0 }
    expect(squares == (0..<200_000).map { $0 * $0 }, "\(cluster.hostName): wrong squares")

    let facts = try cluster.map(0..<3000) { number in
        usleep(500)
        return Fact(number: number, host: cluster.hostName, words: Array(repeating: "w\(number)", count: number % 7))
    }
    for (number, fact) in facts.enumerated() {
        expect(
            fact == Fact(number: number, host: fact.host, words: Array(repeating: "w\(number)", count: number % 7)),
            "\(cluster.hostName): wrong fact \(fact)")
    }
    let workers = Set(facts.map(\.host))

    let roots = try cluster.map(0..<1000, deliver: .root) { Double($0) / 2 }
    expect(roots == (cluster.isRoot ? (0..<1000).map { Double($0) / 2 } : []), "\(cluster.hostName): wrong roots")

    let outcomes = cluster.mapResults(0..<100) { number in
        if number == 41 { kill(getpid(), SIGKILL) }
        if number == 42 { throw Refusal() }
        return number
    }
    for (number, outcome) in outcomes.enumerated() where number != 41 && number != 42 {
        expect((try? outcome.get()) == number, "\(cluster.hostName): wrong outcome \(outcome) of \(number)")
    }
    for (number, code) in [(41, ForkPool.Failure.Code.crashed), (42, .thrown)] {
        guard case .failure(let failure) = outcomes[number] else { fail("item \(number) does not fail") }
        let isNamed = cluster.hosts == 1 || workers.contains(failure.host ?? "")
        expect(failure.index == number && isNamed, "item \(number) fails as \(failure), without its host")
        expect(failure.code == code || failure.code == .killed, "item \(number) fails as \(failure.code)")
        if cluster.isRoot { print("failure: \(failure)") }
    }

    let noted = Notes(argument(1) ?? "")
    try cluster.forEach(0..<600) { item in
        usleep(500)
        noted.add(item)
    }
    expect(noted.all().sorted() == Array(0..<600), "\(cluster.hostName): not each item was visited once")

    let table = try cluster.fill(count: 100, slot: 50, of: Int32.self) { row, cells in
        for column in cells.indices { cells[column] = Int32(row * 50 + column) }
    }
    expect((0..<5000).allSatisfy { table[$0] == Int32($0) }, "\(cluster.hostName): wrong table")

    // A loop that ends when the results say so: it must end in the same turn everywhere.
    var distance = 1.0
    var turns = 0
    while distance > 1e-3 {
        distance = try cluster.map(0..<10) { _ in distance / 2 }[0]
        turns += 1
    }
    expect(turns == 10, "\(cluster.hostName): \(turns) turns")

    if cluster.hosts > 1 { runAgain(in: cluster) }

    let none = try cluster.map(0..<0) { $0 }
    expect(none.isEmpty, "\(cluster.hostName): results of nothing")
    guard cluster.isRoot else { return }
    print("maps: all results are right on \(cluster.hosts) ranks, by workers of \(workers.sorted())")
}

struct Refusal: Error, CustomStringConvertible {
    var description: String { "not this one" }
}

/// Calls Cluster.run in a worker and in the run itself: MPI belongs to the run.
func runAgain(in cluster: Cluster) {
    let nested = cluster.mapResults(0..<4) { _ in try Cluster.run { try $0.map(0..<3) { $0 } } }
    for outcome in nested {
        guard case .failure(let failure) = outcome, "\(failure)".contains("the process that made it") else {
            fail("a worker that calls Cluster.run has \(outcome)")
        }
    }
    do {
        try Cluster.run { _ in }
        fail("Cluster.run within Cluster.run is accepted")
    } catch {
        expect("\(error)".contains("within another one"), "Cluster.run within Cluster.run: \(error)")
    }
}

/// Fails an item in a map: every host hears of it.
func failItems(_ cluster: Cluster) throws {
    do throws(ForkPool.Failure) {
        _ = try cluster.map(0..<1000) { number in
            if number == 567 { throw Refusal() }
            return number
        }
    } catch {
        expect(error.index == 567, "\(cluster.hostName): another failure: \(error)")
        print("\(cluster.hostName): \(error)")
        let after = try cluster.map(0..<100) { $0 + 1 }
        expect(after == Array(1...100), "\(cluster.hostName): the map after the failure is wrong")
        return
    }
    fail("\(cluster.hostName): the map does not fail")
}

/// Makes calls that differ between the hosts.
func disagree(_ cluster: Cluster, about what: String) throws {
    let isOther = cluster.rank == 1
    switch what {
    case "count": _ = try cluster.map(0..<(isOther ? 99 : 100)) { $0 }
    case "type":
        if isOther { _ = try cluster.map(0..<100) { Float($0) } } else { _ = try cluster.map(0..<100) { $0 } }
    case "place":
        if isOther {
            _ = try cluster.map(0..<100) { $0 }
        } else {
            _ = try cluster.map(0..<100) { $0 }
        }
    case "end": if !isOther { _ = try cluster.map(0..<100) { $0 } }
    case "throw", "exit":
        if isOther, what == "exit" { exit(3) }
        if isOther { throw Refusal() }
        _ = try cluster.map(0..<100) { $0 }
    default: fail("disagree about \(what)?")
    }
}
