// SPDX-License-Identifier: Apache-2.0
#if Command
import ArgumentParser
import Glibc

/// The options of `bench` and `check` that say where results go.
struct ResultOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Write a JSON document, which tools for hyperfine can read; - for standard output.", valueName: "file"),
        completion: .file())
    var json: String?

    @Option(
        help: ArgumentHelp("Write a line of CSV for each command; - for standard output.", valueName: "file"),
        completion: .file())
    var csv: String?

    @Option(
        help: ArgumentHelp("Write tables in Markdown; - for standard output.", valueName: "file"), completion: .file())
    var md: String?

    @Option(help: ArgumentHelp("Write a chart as SVG; - for standard output.", valueName: "file"), completion: .file())
    var svg: String?

    private var paths: [String?] { [json, csv, md, svg] }

    func validate() throws {
        guard paths.count(where: { $0 == "-" }) <= 1 else {
            throw ValidationError("only one of --json, --csv, --md and --svg can go to standard output.")
        }
        let files = paths.compactMap { $0 }
        if let twice = files.first(where: { path in files.count { $0 == path } > 1 }) {
            throw ValidationError("two of --json, --csv, --md and --svg name the same file, \(twice).")
        }
    }

    /// Refuses results on standard output if commands write there too.
    func check(_ options: MeasurementOptions) throws {
        if options.showOutput, paths.contains("-") {
            throw ValidationError(
                "with --show-output the commands write to standard output; give a file for the results.")
        }
    }

    /// Opens the files.
    ///
    /// - Throws: 74, after printing which file cannot be written.
    func open() throws(ExitCode) -> Opened {
        func file(_ path: String?) throws(ExitCode) -> ResultFile? {
            guard let path, path != "-" else { return nil }
            return try ResultFile(path)
        }
        return Opened(json: try file(json), csv: try file(csv), md: try file(md), svg: try file(svg))
    }

    /// The opened files.
    struct Opened: ~Copyable {
        fileprivate var json: ResultFile?
        fileprivate var csv: ResultFile?
        fileprivate var md: ResultFile?
        fileprivate var svg: ResultFile?
    }

    /// Writes results to the files, and to standard output the format chosen by `-`, or else the report.
    ///
    /// - Throws: 74, after printing what cannot be written.
    func write(_ results: Results, _ files: inout Opened, report: String) throws(ExitCode) {
        try files.json?.write(results.json.text + "\n")
        try files.csv?.write(results.csv)
        try files.md?.write(results.markdown)
        try files.svg?.write(Chart.draw(results))
        if json == "-" {
            StandardOutput.write(results.json.text + "\n")
        } else if csv == "-" {
            StandardOutput.write(results.csv)
        } else if md == "-" {
            StandardOutput.write(results.markdown)
        } else if svg == "-" {
            StandardOutput.write(Chart.draw(results))
        } else {
            StandardOutput.write(report)
        }
    }
}
#endif
