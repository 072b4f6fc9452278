import ArgumentParser
import ForkPool
import Glibc

/// Measures what forks, claims, maps and results cost here, beside a floor in C and beside the alternatives.
struct Overhead: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure what a claim, a map, a fork and a result cost on this machine.",
        discussion: """
            Every row is measured in rounds, one run of each column after the other, so that a machine whose speed \
            drifts slows all of them. A figure is a median with an interval; a ratio is the median of the ratios \
            round by round. The floor is the same mechanism in a few plain lines of C, in this same process.

            Exit codes: 0 measured, or every limit kept; 1 slower than a limit; 3 too noisy to tell; 64 the command line is wrong, 70 the system refused processes or memory, \
            74 the results cannot be written.
            """)

    @Flag(help: "Print one JSON document instead of a table.")
    var json = false

    @Option(
        help: ArgumentHelp(
            "Measure the rows that FILE has a limit for, and compare their ratios to the floor with it.",
            valueName: "file"), completion: .file())
    var check: String?

    @Option(help: "Measure the rows whose name contains this text only.")
    var row: String?

    @Option(help: ArgumentHelp("Rounds for each row, instead of as many as each row needs.", valueName: "count"))
    var rounds: Int?

    @Flag(inversion: .prefixedNo, help: "Measure Python's multiprocessing.Pool too, where python3 is there.")
    var python = true

    func validate() throws {
        if let rounds, rounds < 1 { throw ValidationError("--rounds must be at least 1, not \(rounds).") }
    }

    func run() throws {
        let peer = python ? PythonPeer() : nil
        if python, peer == nil { StandardError.complain("no python3 here: its column is left out") }
        do {
            let gate = try check.map { try OverheadGate(Self.read($0)) }
            let rows = try Rows(python: gate == nil ? peer : nil).all()
                .filter { row.map($0.name.contains) ?? true }
                .compactMap { row in gate.map { $0.part(of: row) } ?? row }
            guard !rows.isEmpty else { throw ValidationError("no row's name contains \"\(row ?? "")\".") }
            let lines = try rows.map(measure)
            if let gate {
                let (text, code) = gate.judge(lines)
                StandardOutput.write(text)
                throw ExitCode(code)
            }
            StandardOutput.write(
                json
                    ? OverheadOutput.json(lines, python: peer?.version).text + "\n"
                    : OverheadOutput.table(lines, python: peer?.version) + "\n")
        } catch let error as ForkPool.Failure {
            StandardError.complain("\(error)")
            throw ExitCode(Exit.internalError)
        } catch let error as OverheadError {
            StandardError.complain(error.description)
            throw ExitCode(error.code)
        }
    }

    /// Reads a file of limits.
    private static func read(_ path: String) throws(OverheadError) -> String {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw .unreadable(path, errno) }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        let length = unsafe Glibc.read(file, &bytes, bytes.count)
        guard length >= 0 else { throw .unreadable(path, errno) }
        return String(decoding: bytes[..<length], as: UTF8.self)
    }

    private func measure(_ row: Row) throws -> OverheadLine {
        let isShown = Style(for: STDERR_FILENO).isColoured
        if isShown { StandardError.write("\r\u{1B}[K  measuring: \(row.name)") }
        defer { if isShown { StandardError.write("\r\u{1B}[K") } }
        return try OverheadLine.measure(row, rounds: rounds ?? row.rounds)
    }
}

/// Why there is no measurement.
enum OverheadError: Error, CustomStringConvertible {
    case noFloor
    case noCrash
    case python(String)
    case unreadable(String, Int32)
    case threshold(String)

    /// The exit code that says so.
    var code: Int32 {
        switch self {
        case .unreadable: Exit.noInput
        case .threshold: Exit.usage
        default: Exit.internalError
        }
    }

    var description: String {
        switch self {
        case .noFloor: "the system refused the shared memory that the C floor needs (200 MiB)"
        case .noCrash: "a worker that killed itself was reported as successful"
        case .unreadable(let path, let code): "\(path): cannot be read: \(systemMessage(code))"
        case .threshold(let line): "\"\(line)\" is no limit; one reads \"1.25 in place: NAME OF THE ROW\""
        case .python(let row): "python3 failed at the row “\(row)”; leave it out with --no-python"
        }
    }
}

/// A measured row.
struct OverheadLine {
    let row: Row
    /// As many as there are cells, in their order.
    let samples: [Sample]

    /// Measures a row, its columns in turn; the first round, in which pages are touched first, is not counted.
    static func measure(_ row: Row, rounds: Int) throws -> OverheadLine {
        var samples = row.cells.map { _ in Sample() }
        for round in 0...rounds {
            for (number, cell) in row.cells.enumerated() {
                let seconds = try cell.run()
                if round > 0 { samples[number].seconds.append(seconds) }
            }
        }
        return OverheadLine(row: row, samples: samples)
    }

    /// A column's sample.
    subscript(column: Column) -> Sample? {
        zip(row.cells, samples).first { $0.0.column == column }?.1
    }
}
