// SPDX-License-Identifier: Apache-2.0
#if Command
import ArgumentParser
import Glibc

/// The file of `check --file`: benchmarks, and what options leave open.
struct GateFile {
    /// A base and a head.
    struct Benchmark {
        var name: String?
        let base: Command
        let head: Command
        var limit: Percentage?
    }

    /// A command: a line, which is split as on the command line, or words.
    enum Command: Equatable {
        case line(String)
        case words([String])

        /// The command line, for reports.
        var label: String {
            switch self {
            case .line(let line): line
            case .words(let words): quotedForShell(words.map { Array($0.utf8) })
            }
        }
    }

    /// What is wrong with a file.
    private struct Problem: Error {
        let sentence: String
    }

    private(set) var limit: Percentage?
    private(set) var metric: MetricChoice?
    private(set) var maxTime: DurationArgument?
    private(set) var benchmarks: [Benchmark] = []

    /// Reads a file, or standard input for `-`.
    ///
    /// - Throws: 66 if it cannot be read, or 64 if it is wrong, after printing the reason.
    init(_ path: String) throws(ExitCode) {
        let name = path == "-" ? "standard input" : path
        do {
            try self.init(JSON.parse(TextFile.read(path == "-" ? "/dev/stdin" : path)))
        } catch let refusal as TextFile.ReadError {
            StandardError.report("\(name): cannot be read: \(systemMessage(refusal.code))")
            throw ExitCode(Exit.noInput)
        } catch let problem as Problem {
            StandardError.report("\(name): \(problem.sentence)")
            throw ExitCode(Exit.usage)
        } catch {
            StandardError.report("\(name): \(error)")
            throw ExitCode(Exit.usage)
        }
    }

    private init(_ document: JSON) throws {
        guard case .object(let members) = document else {
            throw Problem(sentence: "a gate is an object: {\"benchmarks\": [...]}")
        }
        try Self.unique(members.map(\.0), in: "the file")
        for (name, value) in members {
            switch name {
            case "limit": limit = try Self.limit(value, in: "the file")
            case "metric":
                metric = value.string.flatMap(MetricChoice.init(rawValue:))
                guard metric != nil else {
                    let names = MetricChoice.allCases.map(\.rawValue).joined(separator: ", ")
                    throw Problem(sentence: "\"metric\" must be one of \(names)")
                }
            case "max-time":
                guard let text = value.string, let time = DurationArgument(argument: text), time.nanoseconds > 0 else {
                    throw Problem(sentence: "\"max-time\" must be a duration in quotes, such as \"2m\"")
                }
                maxTime = time
            case "benchmarks":
                guard let values = value.array, !values.isEmpty else {
                    throw Problem(sentence: "\"benchmarks\" must be a list of at least one")
                }
                benchmarks = try values.enumerated().map { try Self.benchmark($1, number: $0 + 1) }
            default:
                throw Problem(
                    sentence: "\"\(name)\" is no member of a gate: it has limit, metric, max-time and benchmarks")
            }
        }
        guard !benchmarks.isEmpty else { throw Problem(sentence: "there is no \"benchmarks\"") }
        try Self.unique(benchmarks.compactMap(\.name), in: "the names of the benchmarks")
    }

    private static func benchmark(_ value: JSON, number: Int) throws -> Benchmark {
        let place = "benchmark \(value["name"]?.string.map { "\"\($0)\"" } ?? String(number))"
        guard case .object(let members) = value else { throw Problem(sentence: "\(place) must be an object") }
        try unique(members.map(\.0), in: place)
        let known = ["name", "base", "head", "limit"]
        if let unknown = members.first(where: { !known.contains($0.0) })?.0 {
            throw Problem(sentence: "\(place): \"\(unknown)\" is no member: it has \(known.joined(separator: ", "))")
        }
        func command(_ side: String) throws -> Command {
            let words = value[side]?.array?.map(\.string)
            let texts = [value[side]?.string] + (words ?? [])
            if texts.contains(where: { $0?.utf8.contains(0) == true }) {
                throw Problem(sentence: "\(place): \"\(side)\" has a zero byte, which no command can have")
            }
            if let line = value[side]?.string { return .line(line) }
            guard let words, !words.isEmpty, !words.contains(nil) else {
                throw Problem(sentence: "\(place): \"\(side)\" must be a command line, or a list of words")
            }
            return .words(words.compactMap { $0 })
        }
        if value["name"] != nil, value["name"]?.string?.isEmpty != false {
            throw Problem(sentence: "\(place): \"name\" must be a text")
        }
        return Benchmark(
            name: value["name"]?.string, base: try command("base"), head: try command("head"),
            limit: try value["limit"].map { try limit($0, in: place) })
    }

    private static func limit(_ value: JSON, in place: String) throws -> Percentage {
        guard let text = value.string, let limit = try? Percentage(parsing: text), (try? check(limit: limit)) != nil
        else {
            throw Problem(
                sentence: "\(place): \"limit\" must be a percentage in quotes, above 0 and up to 1000: \"5%\"")
        }
        return limit
    }

    private static func unique(_ names: [String], in place: String) throws {
        guard let twice = names.first(where: { name in names.count { $0 == name } > 1 }) else { return }
        throw Problem(sentence: "\"\(twice)\" is there twice in \(place)")
    }

    /// Checks the range of a limit.
    ///
    /// - Throws: `ValidationError`.
    static func check(limit: Percentage) throws {
        guard limit.part > 0, limit.part <= 10 else {
            throw ValidationError("--limit must be more than 0% and at most 1000%.")
        }
    }
}
#endif
