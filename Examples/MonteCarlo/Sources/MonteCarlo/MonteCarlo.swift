// SPDX-License-Identifier: Apache-2.0
import ExampleSupport
import ForkPool
import Glibc

/// Prices an option by simulation: `MonteCarlo [SEED]`.
@main
struct MonteCarlo {
    static let option = AsianOption()
    static let items = 200
    static let pathsPerItem = 1000

    /// What one item does, in whichever process or task: its numbers depend on the seed and the item alone.
    static func simulate(_ item: Int, seed: UInt64) -> AsianOption.Payoffs {
        var generator = ForkPool.Generator(seed: seed, item: item)
        return option.simulate(paths: pathsPerItem, using: &generator)
    }

    /// Simulates all items.
    ///
    /// The sums are added in the order of the items, so that they are rounded alike each time.
    static func simulate(seed: UInt64, workers: Int) throws -> AsianOption.Payoffs {
        try ForkPool(workers: workers).map(0..<items) { item in simulate(item, seed: seed) }.reduce(.init(), +)
    }

    static func main() async throws {
        let argument = CommandLine.arguments.dropFirst().first
        guard CommandLine.arguments.count <= 2, let seed = UInt64(argument ?? "42") else {
            print("usage: MonteCarlo [SEED]")
            exit(64)
        }
        let payoffs = try simulate(seed: seed, workers: ForkPool.availableProcessors)
        let paths = Double(payoffs.paths)
        let geometric = payoffs.geometric / paths
        let error = ((payoffs.geometricSquares / paths - geometric * geometric) / paths).squareRoot()
        print("seed \(seed), \(payoffs.paths) paths: the option is worth \(payoffs.arithmetic / paths)")

        var expectations = Expectations()
        expectations.expect(
            abs(geometric - option.geometricPrice) < 5 * error,
            "by the geometric average \(geometric) ± \(error), by the formula \(option.geometricPrice)")
        let again = try [1, 2, 5].map { workers in try simulate(seed: seed, workers: workers) }
        expectations.expect(
            again.allSatisfy { $0 == payoffs }, "1, 2 and 5 workers give the same sums, to the last bit")
        expectations.expect(try simulate(seed: seed &+ 1, workers: 2) != payoffs, "another seed gives others")

        let results = try await compare(
            "\(items) items of \(pathsPerItem) paths",
            [
                Way("sequential") { (0..<items).map { simulate($0, seed: seed) }.reduce(.init(), +) },
                Way("ForkPool") { try await ForkPool().map(0..<items) { simulate($0, seed: seed) }.reduce(.init(), +) },
                Way("task group") {
                    await withTaskGroup { group in
                        for item in 0..<items { group.addTask { (item, simulate(item, seed: seed)) } }
                        var all = [AsianOption.Payoffs](repeating: .init(), count: items)
                        for await (item, payoffs) in group { all[item] = payoffs }
                        return all.reduce(.init(), +)
                    }
                },
            ])
        expectations.expect(results.allSatisfy { $0 == payoffs }, "all of them give the same sums, too")
        expectations.finish()
    }
}
