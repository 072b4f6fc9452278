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

    @Option(
        help: ArgumentHelp(
            "Write a chart as SVG, with --history that of all its lines; - for standard output.", valueName: "file"),
        completion: .file())
    var svg: String?

    @Option(
        help: ArgumentHelp("Append the figures to a history, a line of JSON each time.", valueName: "file"),
        completion: .file())
    var history: String?

    @Option(help: ArgumentHelp("What to call this time in the history, such as a commit.", valueName: "text"))
    var label: String?

    /// A file that an option names.
    typealias Target = (option: String, path: String?)

    private var targets: [Target] { [("--json", json), ("--csv", csv), ("--md", md), ("--svg", svg)] }

    /// Refuses results on standard output if commands write there too, and two results in one place.
    ///
    /// - Parameters:
    ///   - options: How the commands run.
    ///   - others: The files of other options.
    ///   - inputs: The files that are read.
    /// - Throws: `ValidationError`.
    func check(_ options: MeasurementOptions, besides others: [Target] = [], reading inputs: [Target] = []) throws {
        let given = (targets + others).filter { $0.path != nil }
        let standard = given.filter { $0.path == "-" }.map(\.option)
        guard standard.count <= 1 else {
            throw ValidationError("only one of \(standard.joined(separator: " and ")) can go to standard output.")
        }
        var files: [(option: String, path: String)] = []
        func add(_ option: String, _ path: String?, isRead: Bool = false) throws {
            guard let path, path != "-" else { return }
            if let other = files.first(where: { FileIdentity.isOne($0.path, path) })?.option {
                let words = isRead ? "\(option) and \(other)" : "\(other) and \(option)"
                throw ValidationError("\(words) name the same file, \(path).")
            }
            if !isRead { files.append((option, path)) }
        }
        for (option, path) in given { try add(option, path) }
        try add("--history", history)
        if case .file(let path) = options.settings.output { try add("--output", path) }
        for (option, path) in inputs { try add(option, path, isRead: true) }
        if options.settings.output == .inherit, !standard.isEmpty {
            let option = options.showOutput ? "--show-output" : "--output inherit"
            throw ValidationError(
                "with \(option) the commands write to standard output; give a file for the results.")
        }
        if history == nil, label != nil { throw ValidationError("--label is for a line of --history.") }
        if history == "-" { throw ValidationError("--history is a file, to which lines are added.") }
    }

    /// Removes the files of an earlier run.
    ///
    /// - Parameter others: The files of other options.
    /// - Throws: 74, after printing which file cannot be removed.
    func removeOld(besides others: [Target] = []) throws(ExitCode) {
        for case (_, let path?) in targets + others where path != "-" { try ResultFile.remove(path) }
    }

    /// The opened files.
    struct Opened {
        fileprivate let files: [(option: String, file: ResultFile)]
        /// The option whose result goes to standard output; nil for the report.
        fileprivate let standard: String?
        fileprivate let history: HistoryFile?
    }

    /// Opens the files.
    ///
    /// - Parameter others: The files of other options.
    /// - Returns: The files.
    /// - Throws: 74, after printing which file cannot be written.
    func open(besides others: [Target] = []) throws(ExitCode) -> Opened {
        var files: [(option: String, file: ResultFile)] = []
        for case (let option, let path?) in targets + others where path != "-" {
            files.append((option, try ResultFile(path)))
        }
        return Opened(
            files: files, standard: (targets + others).first { $0.path == "-" }?.option,
            history: try history.map { path throws(ExitCode) in try HistoryFile(path) })
    }

    /// Writes results to the files, and to standard output the format chosen by `-`, or else the report.
    ///
    /// - Throws: 74, after printing what cannot be written.
    func write(
        _ results: Results, _ opened: Opened, report: String, others: [(option: String, text: () -> String)] = []
    ) throws(ExitCode) {
        try opened.history?.append(HistoryLine(results, label: label))
        func text(_ option: String) -> String {
            let ordered = results.ordered
            return switch option {
            case "--json": results.json.text + "\n"
            case "--csv": ordered.csv
            case "--md": ordered.markdown
            case "--svg": opened.history.map { Trend.draw($0.readLines()) } ?? Chart.draw(ordered)
            default: others.first { $0.option == option }?.text() ?? ""
            }
        }
        for (option, file) in opened.files { try file.write(text(option)) }
        StandardOutput.write(opened.standard.map(text) ?? report)
    }
}
#endif
