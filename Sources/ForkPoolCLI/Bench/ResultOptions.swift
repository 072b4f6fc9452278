import ArgumentParser
import Glibc

/// Where results go besides the report: the options that `bench` and `check` share.
struct ResultOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Write one JSON document that hyperfine's tools read too; - for standard output.", valueName: "file"),
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
            throw ValidationError("only one of --json, --csv, --md and --svg can have standard output.")
        }
        let files = paths.compactMap { $0 }
        if let twice = files.first(where: { path in files.count { $0 == path } > 1 }) {
            throw ValidationError("\(twice) cannot have two of --json, --csv, --md and --svg.")
        }
    }

    /// Refuses results on standard output where commands write there, too.
    func check(_ how: RunOptions) throws {
        if how.showOutput, paths.contains("-") {
            throw ValidationError("with --show-output the commands have standard output; give the results a file.")
        }
    }

    /// Opens the files.
    ///
    /// - Throws: 74, after a line that says which cannot be written.
    func open() throws(ExitCode) -> Opened {
        func file(_ path: String?) throws(ExitCode) -> ResultFile? {
            guard let path, path != "-" else { return nil }
            return try ResultFile(path)
        }
        return Opened(json: try file(json), csv: try file(csv), md: try file(md), svg: try file(svg))
    }

    /// Files that wait for results.
    struct Opened: ~Copyable {
        fileprivate var json: ResultFile?
        fileprivate var csv: ResultFile?
        fileprivate var md: ResultFile?
        fileprivate var svg: ResultFile?
    }

    /// Writes results to the files, and the report or what takes its place to standard output.
    ///
    /// - Throws: 74, after a line that says what cannot be written.
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
