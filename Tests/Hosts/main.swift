// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolCluster
import Glibc

// The program that scripts/cluster-test starts on its hosts: ForkPoolHosts VERB [ARGUMENT...]
// Each verb checks what it shows, and ends with 1 after one line if something is not as it should be.

let arguments = Array(CommandLine.arguments.dropFirst())

/// An argument of the verb.
func argument(_ number: Int) -> String? { number < arguments.count ? arguments[number] : nil }

/// Ends the program.
func fail(_ what: String) -> Never {
    var line = "ForkPoolHosts: \(what)\n"
    line.withUTF8 { _ = unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
    exit(1)
}

func expect(_ holds: Bool, _ what: @autoclosure () -> String) {
    if !holds { fail(what()) }
}

/// Runs a verb on all hosts.
///
/// What a call of the cluster throws, it throws on every host, and every host tells: mpirun ends the others as soon as one ends.
func onAllHosts(
    workers: Int = 2, retries: Int? = nil, stallTimeout: Duration? = nil, _ body: (Cluster) throws -> Void
) {
    do {
        try Cluster.run(workers: workers, options: .init(retries: retries), stallTimeout: stallTimeout, body)
    } catch {
        fail("\(error)")
    }
}

/// Makes calls in async code, whose thread of MPI is not this one.
func mapInAsyncCode() async {
    do {
        try await Cluster.run(workers: 2) { cluster in
            let squares = try await cluster.map(0..<10_000) { $0 * $0 }
            let words = await cluster.mapResults(0..<100, deliver: .root) { "\($0)" }
            expect(words.count == (cluster.isRoot ? 100 : 0), "\(cluster.hostName): wrong words")
            expect(squares.reduce(0, +) == (0..<10_000).reduce(0) { $0 + $1 * $1 }, "wrong squares in async code")
            print("async: all results are right on \(cluster.hostName)")
        }
    } catch {
        fail("\(error)")
    }
}

switch argument(0) {
case "async": await mapInAsyncCode()
case "maps": onAllHosts(mapEverything)
case "failures": onAllHosts(failItems)
case "night":
    let stallTimeout = argument(4).flatMap(Int.init).map { Duration.seconds($0) }
    onAllHosts(retries: 1, stallTimeout: stallTimeout, Night(arguments).run)
case "missing": Night.listMissing(arguments[1])
case "slow":
    let (items, time) = (Int(arguments[1]) ?? 0, Int(arguments[2]) ?? 0)
    onAllHosts(workers: 8) { try measureSlowItems($0, items: items, time: time) }
case "disagree": onAllHosts { try disagree($0, about: argument(1) ?? "") }
case "shard": try runShard(arguments[1])
case "merge": try mergeShards(arguments[1], Int(arguments[2]) ?? 0)
default: fail("unknown verb \(arguments)")
}
