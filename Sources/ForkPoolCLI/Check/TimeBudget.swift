// SPDX-License-Identifier: Apache-2.0
#if Command
/// The time of a check, and how many rounds of runs fit into the rest of it.
struct TimeBudget {
    /// The seconds of `--max-time`.
    let seconds: Double
    /// How many rounds were run.
    private(set) var rounds = 0
    private var elapsed = 0.0
    /// The seconds of the fastest round.
    private var fastest = Double.infinity

    init(seconds: Double) {
        self.seconds = seconds
    }

    /// Notes that some rounds were run.
    ///
    /// - Parameters:
    ///   - count: How many.
    ///   - now: The seconds since the start of the check.
    mutating func add(_ count: Int, at now: Double) {
        fastest = min(fastest, (now - elapsed) / Double(count))
        elapsed = now
        rounds += count
    }

    /// The seconds at which some more rounds would end, each as fast as the fastest one so far.
    func seconds(for count: Int) -> Double { elapsed + Double(count) * fastest }

    /// Returns whether some more rounds can fit at all.
    func hasRoom(for count: Int) -> Bool { seconds(for: count) <= seconds }

    /// How many more rounds fit that take as long as the average one.
    var possible: Int {
        Int(max(0, min((seconds - elapsed) / elapsed * Double(rounds), 1e9)))
    }
}
#endif
