// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolCluster
import Glibc

/// Finds the density at which half of all random square lattices conduct: `Simulation FOLDER [SEED]`.
///
/// The same program runs on a laptop, on several hosts, and under Slurm. What it has found is in FOLDER: if it is killed, the
/// same command goes on.
@main
struct Simulation {
    static let side = 64
    static let latticesPerRound = 20_000

    static func main() throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        guard (1...2).contains(arguments.count), let seed = UInt64(arguments.count == 2 ? arguments[1] : "42") else {
            print("usage: Simulation FOLDER [SEED]")
            exit(64)
        }
        let folder = arguments[0]
        let estimate = try Cluster.run { cluster in
            var low = 0.0
            var high = 1.0
            // Each host takes the same turn, because each has all results.
            for round in 0..<10 {
                let density = (low + high) / 2
                let conducting = try cluster.map(
                    0..<latticesPerRound, journal: "\(folder)/\(round).journal", key: "seed \(seed), density \(density)"
                ) { item in
                    var generator = ForkPool.Generator(seed: seed &+ UInt64(round), item: item)
                    return Lattice(side: side, density: density, using: &generator).conducts()
                }
                let share = Double(conducting.count { $0 }) / Double(latticesPerRound)
                if cluster.isRoot { print("round \(round): at \(density) \(share) of the lattices conduct") }
                if share < 0.5 { low = density } else { high = density }
            }
            if cluster.isRoot { print("half of them conduct at \((low + high) / 2)") }
            return (low + high) / 2
        }
        // The density for lattices without end is 0.592746.
        if abs(estimate - 0.5927) > 0.01 { exit(1) }
    }
}
