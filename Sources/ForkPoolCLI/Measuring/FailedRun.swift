// SPDX-License-Identifier: Apache-2.0
#if Command
/// A run of a command that failed: which one, how it ended, and what it wrote.
struct FailedRun {
    /// The number of the run, from 1; nil for a command that runs once, such as that of `--setup`.
    let number: Int?
    /// Whether it was one of the runs that are discarded.
    let isWarmUp: Bool
    let run: Execution
    /// The timeout in nanoseconds, if there was one.
    let timeout: Int?
    /// The last lines that it wrote to standard error; nil if they are not known, because `--show-output` shows them.
    let errorLines: [String]?

    /// Names the run: "run 3 of", "warm-up run 1 of"; empty for a command that runs once.
    var place: String { number.map { "\(isWarmUp ? "warm-up run" : "run") \($0) of " } ?? "" }

    /// The end as a predicate: "exited with 1".
    var ending: String {
        switch run.end {
        case .killed(let signal): return "was ended by signal \(signal)"
        case .timedOut:
            let seconds = Double(timeout ?? run.wall) / 1e9
            return "took longer than \(Scale.seconds(seconds).text(seconds)) and was killed"
        default: return "exited with \(run.code)"
        }
    }

    /// What it wrote to standard error, a line each and indented.
    var written: String {
        guard let errorLines else { return "" }
        if errorLines.isEmpty {
            return "  it wrote nothing to standard error; --show-output shows what else it writes\n"
        }
        return errorLines.map { "  stderr: \(printable($0))\n" }.joined()
    }
}
#endif
