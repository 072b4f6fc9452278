// SPDX-License-Identifier: Apache-2.0
#if Command
import ArgumentParser
import Glibc

/// A history: a file to which each benchmark or check adds a line of JSON.
final class HistoryFile {
    private let path: String
    private let descriptor: Int32

    /// Opens a history, so that a misspelt path fails at once.
    ///
    /// - Throws: 74, after printing the reason.
    init(_ path: String) throws(ExitCode) {
        self.path = path
        descriptor = unsafe Glibc.open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0o666)
        guard descriptor >= 0 else { throw Self.refusal(path) }
    }

    deinit { close(descriptor) }

    /// Appends a line.
    ///
    /// One whose end is missing, because its writer was killed, stays alone.
    ///
    /// - Throws: 74, after printing the reason.
    func append(_ line: HistoryLine) throws(ExitCode) {
        var last: UInt8 = UInt8(ascii: "\n")
        let length = lseek(descriptor, 0, SEEK_END)
        if length > 0 { _ = unsafe pread(descriptor, &last, 1, length - 1) }
        let end = last == UInt8(ascii: "\n") ? "" : "\n"
        let code = writeAll(end + line.json.line + "\n", to: descriptor)
        guard code == 0 else {
            errno = code
            throw Self.refusal(path)
        }
    }

    /// Reads all lines of the file, and says how many are none: they are damaged, or of something else.
    func readLines() -> [HistoryLine] {
        guard let bytes = try? TextFile.read(path) else { return [] }
        let all = bytes.split(separator: UInt8(ascii: "\n"))
        let lines = all.compactMap { line in (try? JSON.parse(Array(line))).flatMap { HistoryLine($0) } }
        let others = all.count - lines.count
        if others > 0 {
            StandardError.report(
                "\(path): \(others == 1 ? "1 line is no measurement, and has" : "\(others) lines are no measurements, and have") "
                    + "no place in the chart")
        }
        return lines
    }

    private static func refusal(_ path: String) -> ExitCode {
        StandardError.report("\(path.isEmpty ? "\"\"" : path): cannot be written: \(systemMessage(errno))")
        return ExitCode(Exit.output)
    }
}

/// One line of a history: when and where it was measured, and the figures.
struct HistoryLine {
    /// A figure of one command.
    struct Figure {
        let name: String
        let metric: Metric
        let value: Double
        /// The interval of the value; nil for too few runs.
        let interval: ClosedRange<Double>?
        /// The word of a verdict; nil if there is none.
        let verdict: String?
    }

    /// No figure is as large; a chart of larger ones could not be drawn.
    private static let most = 1e100

    /// Such as "2026-11-30T05:40:00Z".
    let time: String
    let label: String?
    /// The digest of the machine.
    let machine: String
    let figures: [Figure]
    private(set) var json = JSON.null

    /// Makes the line of results: of a check the heads, of a benchmark all commands.
    init(_ results: Results, label: String?) {
        time = Self.now()
        self.label = label
        machine = Host.current.machine
        let decided = results.comparisons.filter { $0.decision != nil }
        let commands: [(command: MeasuredCommand, name: String, metric: Metric, comparison: Comparison?)] =
            decided.isEmpty
            ? results.entries.map { entry in
                (entry, entry.label, results.metric, results.comparisons.first { $0.head.name == entry.name })
            } : decided.map { ($0.head, $0.title ?? $0.head.label, $0.metric, $0) }
        figures = commands.filter { !$0.command.countedRuns.isEmpty }.map { command, name, metric, comparison in
            let summary = command.summary(metric)
            return Figure(
                name: name, metric: metric, value: summary.median, interval: summary.interval,
                verdict: comparison?.decision?.verdict.word)
        }
        let ratios = commands.filter { !$0.command.countedRuns.isEmpty }.map(\.comparison)
        json = .object([
            ("time", .string(time)), ("label", label.map { .string($0) } ?? .null), ("verb", .string(results.verb)),
            ("version", .string(ForkPoolCommand.version)), ("host", Host.current.json),
            (
                "results",
                .array(
                    zip(figures, ratios).map { Self.json($0, $1) }
                        + results.failures.map { Self.json($0, results.metric) })
            ),
        ])
    }

    /// Reads a line; nil if it is not from a history.
    init?(_ json: JSON) {
        guard let time = json["time"]?.string, let results = json["results"]?.array else { return nil }
        self.time = time
        label = json["label"]?.string
        machine = json["host"]?["machine"]?.string ?? ""
        figures = results.compactMap { result in
            guard let name = result["name"]?.string, let value = result["value"]?.number, abs(value) < Self.most,
                let metric = result["metric"]?.string.flatMap(Metric.init(rawValue:))
            else { return nil }
            let (low, high) = (result["low"]?.number ?? value, result["high"]?.number ?? value)
            let isInterval = -Self.most < low && low <= high && high < Self.most
            return Figure(
                name: name, metric: metric, value: value, interval: isInterval ? low...high : nil,
                verdict: result["verdict"]?.string)
        }
        self.json = json
    }

    /// A benchmark that failed, which is no point of a chart.
    private static func json(_ failure: FailedBenchmark, _ metric: Metric) -> JSON {
        .object([
            ("name", .string(failure.title)), ("metric", .string(metric.rawValue)), ("value", .null),
            ("verdict", .string(failure.word)), ("reason", .string(failure.error.sentence)),
        ])
    }

    private static func json(_ figure: Figure, _ comparison: Comparison?) -> JSON {
        func number(_ value: Double?) -> JSON { value.map { .number($0) } ?? .null }
        return .object([
            ("name", .string(figure.name)), ("metric", .string(figure.metric.rawValue)),
            ("value", .number(figure.value)), ("low", number(figure.interval?.lowerBound)),
            ("high", number(figure.interval?.upperBound)), ("ratio", number(comparison?.ratio.estimate)),
            ("ratio_low", number(comparison?.ratio.interval?.lowerBound)),
            ("ratio_high", number(comparison?.ratio.interval?.upperBound)),
            ("limit", number(comparison?.decision?.limit)),
            ("verdict", figure.verdict.map { .string($0) } ?? .null),
        ])
    }

    /// The time of day, in UTC.
    private static func now() -> String {
        var seconds = time_t(nanoseconds(of: CLOCK_REALTIME) / 1_000_000_000)
        var parts = unsafe tm()
        unsafe gmtime_r(&seconds, &parts)
        let numbers = unsafe [
            1900 + Int(parts.tm_year), Int(parts.tm_mon) + 1, Int(parts.tm_mday), Int(parts.tm_hour), Int(parts.tm_min),
            Int(parts.tm_sec),
        ]
        let texts = numbers.map { $0 < 10 ? "0\($0)" : "\($0)" }
        return texts[..<3].joined(separator: "-") + "T" + texts[3...].joined(separator: ":") + "Z"
    }
}
#endif
