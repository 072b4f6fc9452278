// SPDX-License-Identifier: Apache-2.0
#if Command
/// A benchmark of a check that was not measured, because one of its commands failed or does not exist.
struct FailedBenchmark {
    /// What reports call it: its name in the file, or the name of its head.
    let title: String
    /// The command line of head.
    let label: String
    let error: MeasurementError
    /// Whether `--max-time` ended the run, so that nothing is known of the command.
    let isCut: Bool

    /// The word of its verdict.
    var word: String { isCut ? "inconclusive" : "failed" }

    /// What it wrote to standard error, without the final line break.
    var written: String { String(error.run?.written.dropLast() ?? "") }

    var json: JSON {
        let lines = error.run?.errorLines
        return .object([
            ("benchmark", .string(title)), ("command", .string(label)), ("verdict", .string(word)),
            ("reason", .string(error.sentence)), ("run", error.run?.number.map { .integer($0) } ?? .null),
            ("exit_code", error.run.map { .integer(Int($0.run.code)) } ?? .null),
            ("stderr", lines.map { .array($0.map { .string($0) }) } ?? .null),
        ])
    }
}
#endif
