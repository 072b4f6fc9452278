// SPDX-License-Identifier: Apache-2.0

/// A way to do some work, with a name to print.
public struct Way<Result> {
    let name: String
    let run: () async throws -> Result

    /// Names a way.
    public init(_ name: String, _ run: @escaping () async throws -> Result) {
        self.name = name
        self.run = run
    }
}

/// Times ways to do the same work and prints their medians, and how many times as long as the first one they take.
///
/// They run in turn, so that what else the machine does meets all of them. A ratio is the median of the ratios of the rounds.
///
/// - Parameters:
///   - what: The work.
///   - rounds: How often each way runs.
///   - ways: The ways; the first one is what the others are compared with.
/// - Returns: What each way returned in its last round.
/// - Throws: What a way throws.
public func compare<Result>(_ what: String, rounds: Int = 5, _ ways: [Way<Result>]) async throws -> [Result] {
    var times: [[Double]] = ways.map { _ in [] }
    var results: [Result] = []
    for _ in 0..<rounds {
        results = []
        for (number, way) in ways.enumerated() {
            let start = ContinuousClock.now
            results.append(try await way.run())
            times[number].append((ContinuousClock.now - start) / .seconds(1))
        }
    }
    print("       \(what), medians of \(rounds) rounds:")
    for (way, own) in zip(ways, times) {
        let ratio = median(zip(own, times[0]).map { $0 / $1 })
        print(
            "      ", pad("\(rounded(median(own) * 1000)) ms", to: 11), pad("× \(rounded(ratio))", to: 8), "", way.name)
    }
    return results
}

private func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

private func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }

private func pad(_ text: String, to width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
}
