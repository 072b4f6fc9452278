// SPDX-License-Identifier: Apache-2.0
#if Command
import ArgumentParser
import ForkPool
import ForkPoolCluster
import Glibc

/// The verb `forkpool overhead`: measures what a fork, claim, call, map and result cost, beside a C floor and other ways.
struct Overhead: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "overhead", _superCommandName: "forkpool",
        abstract: "Measure what a claim, a call, a map, a fork and a result cost on this machine.",
        discussion: """
            Each row is measured in rounds: a round runs each column once, so that a machine that becomes slower \
            slows all columns alike. A figure is a median with its 95 % confidence interval; a ratio is the median \
            of the ratios of all rounds. The C floor does the same work in a few lines of C, in the same process. \
            Warm rows use a resident pool: its workers, and those of the floor, start before the measurement. \
            System calls and allocations are counted in separate, traced processes with one processor, so that \
            the counts do not change on a busy machine. The memory of a worker is what 32 more workers add, all of them \
            in a body: pages that one process has alone, pages that several share, and page tables.

            The rows: fork and claim; maps of 2 and of a million no-ops; sleeps and computation; big results; a crash and \
            a timeout; warm calls and maps; the start of a pool and of a dead worker's successor; a million results with a \
            journal; 64 workers. With --large also 256 and 1000 workers, a call among 256 idle ones, 100 million no-ops, \
            and 1 GiB of results.

            Large rows take some seconds and up to 4 GB each. They are measured with --large, or if --row or a limit chooses \
            them; a row that the free memory has no room for is left out, and a line says so.

            With --cluster the rows are those of maps over several hosts, on which mpirun or srun starts the command: a \
            chunk of one item, 3000 items of 5 ms, a million results, and a journal. Such a command is built with \
            --traits Command,MPI. Without a launcher it measures one host.

            A file of limits has one limit per line: "1.25 in place: ROW" (at most 1.25 times the floor), "1.00 \
            resident / concurrentPerform: ROW" (a ratio to another column), "0.01 system calls an item: WORKLOAD", \
            "27 allocations a call: WORKLOAD". A ratio fails if the sign test finds that it is above its limit, with \
            5 % error for all ratios together (Holm).

            Examples:
              forkpool overhead
              forkpool overhead --row 'warm call' --json
              forkpool overhead --large --md
              forkpool overhead --check Benchmarks/overhead.limits
              mpirun --hostfile hosts -N 1 --bind-to none forkpool overhead --cluster

            Exit codes: 0 measured, or all limits kept; 1 above a limit; 3 too noisy to decide, or not countable \
            here; 64 the command line or a limit is wrong; 66 the file of limits cannot be read; 70 the system \
            refused processes or memory; 74 the results cannot be written.
            """)

    @Flag(help: "Print one JSON document instead of a table.")
    var json = false

    @Flag(name: .customLong("md"), help: "Print the table in Markdown.")
    var markdown = false

    @Option(
        help: ArgumentHelp(
            "Measure only what FILE has limits for, and compare with them.", valueName: "file"), completion: .file())
    var check: String?

    @Option(help: "Measure only the rows and workloads whose name contains this text.")
    var row: String?

    @Flag(help: "Also measure the large rows: up to 1000 workers, 100 million items, 1 GiB of results.")
    var large = false

    @Flag(help: "Measure maps over the hosts on which a launcher of MPI started the command.")
    var cluster = false

    @Option(help: ArgumentHelp("Rounds for each row, instead of the default of each row.", valueName: "count"))
    var rounds: Int?

    @Flag(inversion: .prefixedNo, help: "Also measure Python's multiprocessing.Pool, if there is a python3.")
    var python = true

    @Option(help: .hidden)
    var workload: String?

    @Option(help: .hidden)
    var workloadCount = 1

    func validate() throws {
        if let rounds, rounds < 1 { throw ValidationError("--rounds must be at least 1, not \(rounds).") }
        if json, markdown { throw ValidationError("give either --json or --md.") }
        if check != nil, markdown {
            throw ValidationError("--check cannot print Markdown; give either --check or --md.")
        }
        if cluster, check != nil {
            throw ValidationError("there are no limits for a cluster; give either --cluster or --check.")
        }
    }

    func run() throws {
        do {
            if let workload {
                try runWorkload(workload)
            } else if let check {
                try runGate(check)
            } else if cluster {
                try runCluster()
            } else {
                try runTable()
            }
        } catch let error as ForkPool.Failure {
            StandardError.report("\(error)")
            throw ExitCode(Exit.internalError)
        } catch let error as OverheadError {
            StandardError.report(error.description)
            throw ExitCode(error.code)
        }
    }

    /// Runs a workload in this process, which another `forkpool overhead` started to count its events.
    private func runWorkload(_ name: String) throws {
        guard let workload = Workload.all.first(where: { $0.name == name }) else {
            throw OverheadError.workload(name)
        }
        try workload.run(workloadCount)
    }

    private func runTable() throws {
        let peer = python ? PythonPeer() : nil
        if python, peer == nil { StandardError.report("no python3 found: the Python column is missing") }
        let rows = try Self.rows(peer).filter { $0.isChosen(by: row, large: large) }
        let workloads = Workload.all.filter { isWanted($0.name) }
        guard !rows.isEmpty || !workloads.isEmpty else { throw nothing }
        let lines = try room(for: rows).rows.map(measure)
        write(OverheadTable(lines: lines, counts: try count(workloads), python: peer?.version))
    }

    /// Measures on all hosts; the root alone prints, also what went wrong.
    private func runCluster() throws {
        try Cluster.run(workers: ClusterRows.workers) { cluster in
            do {
                let rows = ClusterRows(cluster).all.filter { isWanted($0.name) }
                guard !rows.isEmpty else { throw nothing }
                let lines = try rows.map(measure)
                guard cluster.isRoot else { return }
                var table = OverheadTable(lines: lines, counts: [], python: nil)
                table.cluster = "Ranks: \(cluster.hosts), with \(ClusterRows.workers) workers each."
                write(table)
            } catch {
                throw cluster.isRoot ? error : ExitCode(Exit.internalError)
            }
        }
    }

    private func write(_ table: OverheadTable) {
        StandardOutput.write(json ? table.json.text + "\n" : markdown ? table.markdown : table.text)
    }

    private func runGate(_ path: String) throws {
        var limits = try OverheadLimits(Self.read(path))
        let rows = try Self.rows(nil)
        try limits.check(rows, Workload.all)
        guard !limits.isEmpty else { throw OverheadError.noLimit(path) }
        if let row { limits = limits.containing(row) }
        guard !limits.isEmpty else { throw nothing }
        let (wanted, refusals) = room(for: rows.compactMap(limits.limitedColumns))
        let lines = try wanted.map(measure)
        let counted = limits.counts.map(\.workload)
        let counts = try count(Workload.all.filter { counted.contains($0.name) })
        let gate = OverheadGate(limits, lines, counts, leftOut: refusals)
        StandardOutput.write(json ? gate.json.text + "\n" : gate.text)
        if gate.code != 0 { throw ExitCode(gate.code) }
    }

    /// Returns all rows in the order in which they are measured.
    ///
    /// Those that start many workers are first, because memory that this process got for other rows makes each fork slower.
    private static func rows(_ python: PythonPeer?) throws -> [Row] {
        let (rows, scale) = (try Rows(python: python).all(), ScaleRows(python: python))
        return scale.crowds + PoolRows.all + rows + WarmRows(python: python).all() + CopyRows(python: python).all()
            + StreamRows(python: python).all() + SubmittedRows(python: python).all() + CodedRows(python: python).all()
            + JournalRows().all() + scale.sizes
    }

    private func isWanted(_ name: String) -> Bool { row.map(name.contains) ?? true }

    private var nothing: ValidationError {
        ValidationError("no row or workload has a name that contains \"\(row ?? "")\".")
    }

    /// Finds the rows that the free memory has room for, and tells why others are left out, by their names.
    private func room(for rows: [Row]) -> (rows: [Row], refusals: [String: String]) {
        let free = FreeMemory()
        let refusals = rows.reduce(into: [:]) { $0[$1.name] = free.refusal(of: $1) }
        for row in rows {
            if let refusal = refusals[row.name] { StandardError.report("left out: \(row.name): \(refusal)") }
        }
        return (rows.filter { refusals[$0.name] == nil }, refusals)
    }

    private func measure(_ row: Row) throws -> OverheadLine {
        try shown("measuring", row.name) { try OverheadLine.measure(row, rounds: rounds ?? row.rounds) }
    }

    private func count(_ workloads: [Workload]) throws -> [WorkloadCount] {
        let counter = WorkloadCounter()
        return try workloads.map { workload in try shown("counting", workload.name) { try counter.count(workload) } }
    }

    /// Shows on a terminal what is measured now.
    private func shown<T>(_ verb: String, _ name: String, _ work: () throws -> T) rethrows -> T {
        let isShown = Style(for: STDERR_FILENO).canRedraw
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
#endif
