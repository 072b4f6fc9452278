import ArgumentParser
import ForkPool
import Glibc

/// Measures what forks, claims, calls, maps and results cost here, beside a floor in C and beside the alternatives.
struct Overhead: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "overhead", _superCommandName: "forkpool",
        abstract: "Measure what a claim, a call, a map, a fork and a result cost on this machine.",
        discussion: """
            Every row is measured in rounds, one run of each column after the other, so that a machine whose speed \
            drifts slows all of them. A figure is a median with an interval; a ratio is the median of the ratios \
            round by round. The floor is the same mechanism in a few plain lines of C, in this same process. Warm \
            rows are those of a resident pool: its workers, and the floor's, are started before the measurement. \
            System calls and allocations are counted in processes of their own, which are traced and have one \
            processor, so that the counts are the same on a busy machine.

            A file of limits has a line for each: "1.25 in place: ROW", at most 1.25 times the floor; "1.00 resident \
            / concurrentPerform: ROW", compared with another column; "0.01 system calls an item: SCENE", "27 \
            allocations a call: SCENE". A ratio fails if the sign test is sure, over all ratios together (Holm).

            Examples:
              forkpool overhead
              forkpool overhead --row 'warm call' --json
              forkpool overhead --check Benchmarks/overhead.limits

            Exit codes: 0 measured, or every limit kept; 1 slower than a limit; 3 too noisy to tell, or not to be \
            counted here; 64 the command line or a limit is wrong; 66 the file of limits cannot be read; 70 the system \
            refused processes or memory; 74 the results cannot be written.
            """)

    @Flag(help: "Print one JSON document instead of a table.")
    var json = false

    @Flag(name: .customLong("md"), help: "Print the table in Markdown.")
    var markdown = false

    @Option(
        help: ArgumentHelp(
            "Measure what FILE has a limit for, and compare it.", valueName: "file"), completion: .file())
    var check: String?

    @Option(help: "Measure the rows and scenes whose name contains this text only.")
    var row: String?

    @Option(help: ArgumentHelp("Rounds for each row, instead of as many as each row needs.", valueName: "count"))
    var rounds: Int?

    @Flag(inversion: .prefixedNo, help: "Measure Python's multiprocessing.Pool too, where python3 is there.")
    var python = true

    @Option(help: .hidden)
    var scene: String?

    @Option(help: .hidden)
    var sceneCount = 1

    func validate() throws {
        if let rounds, rounds < 1 { throw ValidationError("--rounds must be at least 1, not \(rounds).") }
        if json, markdown { throw ValidationError("--json and --md exclude each other.") }
        if check != nil, markdown { throw ValidationError("--check prints a line for each limit, or --json.") }
    }

    func run() throws {
        do {
            if let scene {
                try runScene(scene)
            } else if let check {
                try runGate(check)
            } else {
                try runTable()
            }
        } catch let error as ForkPool.Failure {
            StandardError.complain("\(error)")
            throw ExitCode(Exit.internalError)
        } catch let error as OverheadError {
            StandardError.complain(error.description)
            throw ExitCode(error.code)
        }
    }

    /// What this program starts itself for, to be counted.
    private func runScene(_ name: String) throws {
        guard let scene = Scene.all.first(where: { $0.name == name }) else { throw OverheadError.scene(name) }
        try scene.run(sceneCount)
    }

    private func runTable() throws {
        let peer = python ? PythonPeer() : nil
        if python, peer == nil { StandardError.complain("no python3 here: its column is left out") }
        let rows = try Self.rows(peer).filter { isWanted($0.name) }
        let scenes = Scene.all.filter { isWanted($0.name) }
        guard !rows.isEmpty || !scenes.isEmpty else { throw nothing }
        let table = OverheadTable(lines: try rows.map(measure), counts: try count(scenes), python: peer?.version)
        StandardOutput.write(json ? table.json.text + "\n" : markdown ? table.markdown : table.text)
    }

    private func runGate(_ path: String) throws {
        var limits = try Limits(Self.read(path))
        let rows = try Self.rows(nil)
        try limits.check(rows, Scene.all)
        guard !limits.isEmpty else { throw OverheadError.noLimit(path) }
        if let row { limits = limits.containing(row) }
        guard !limits.isEmpty else { throw nothing }
        let lines = try rows.compactMap(limits.part).map(measure)
        let counted = limits.counts.map(\.scene)
        let gate = OverheadGate(limits, lines, try count(Scene.all.filter { counted.contains($0.name) }))
        StandardOutput.write(json ? gate.json.text + "\n" : gate.text)
        if gate.code != 0 { throw ExitCode(gate.code) }
    }

    private static func rows(_ python: PythonPeer?) throws -> [Row] {
        try Rows(python: python).all() + WarmRows(python: python).all()
    }

    private func isWanted(_ name: String) -> Bool { row.map(name.contains) ?? true }

    private var nothing: ValidationError { ValidationError("no row's name contains \"\(row ?? "")\".") }

    private func measure(_ row: Row) throws -> OverheadLine {
        try shown("measuring", row.name) { try OverheadLine.measure(row, rounds: rounds ?? row.rounds) }
    }

    private func count(_ scenes: [Scene]) throws -> [SceneCount] {
        let counter = Counter()
        return try scenes.map { scene in try shown("counting", scene.name) { try counter.count(scene) } }
    }

    /// Says on a terminal what takes some time.
    private func shown<T>(_ verb: String, _ name: String, _ work: () throws -> T) rethrows -> T {
        let isShown = Style(for: STDERR_FILENO).isColoured
        if isShown { StandardError.write("\r\u{1B}[K  \(verb): \(name)") }
        defer { if isShown { StandardError.write("\r\u{1B}[K") } }
        return try work()
    }

    /// Reads a file of limits.
    private static func read(_ path: String) throws(OverheadError) -> String {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw .unreadable(path, errno) }
        defer { close(file) }
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let length = unsafe Glibc.read(file, &buffer, buffer.count)
            if length < 0, errno == EINTR { continue }
            guard length >= 0 else { throw .unreadable(path, errno) }
            if length == 0 { return String(decoding: text, as: UTF8.self) }
            text += buffer[..<length]
        }
    }
}
