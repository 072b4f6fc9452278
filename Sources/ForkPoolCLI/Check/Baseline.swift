// SPDX-License-Identifier: Apache-2.0
#if Command
/// Runs from `forkpool bench --json`, to compare with.
struct Baseline {
    /// The reason why a file is no baseline.
    struct LoadError: Error {
        let sentence: String
    }

    private let commands: [MeasuredCommand]
    /// What counted instructions.
    private let counter: String?
    /// Sentences for the report: what may have changed the runs besides the command.
    let notes: [String]

    /// Reads a file.
    ///
    /// - Parameters:
    ///   - path: The path of the file.
    ///   - successes: The exit codes of runs that did their work.
    ///   - conditions: The conditions of the runs that are compared with it.
    /// - Throws: `LoadError` if it cannot be read, is not from `forkpool bench`, or is from another host or of other conditions.
    init(_ path: String, successes: Set<Int32> = [0], _ conditions: Conditions) throws(LoadError) {
        let document: JSON
        do {
            document = try JSON.parse(TextFile.read(path))
        } catch let refusal as TextFile.ReadError {
            throw LoadError(
                sentence: "\(path): no baseline: \(systemMessage(refusal.code)); forkpool bench --json writes one")
        } catch {
            throw LoadError(sentence: "\(path): no baseline: \(error)")
        }
        guard document["forkpool"]?["schema"]?.integer == 1, let runs = document["forkpool"]?["runs"]?.array,
            let host = Host(document["forkpool"]?["host"])
        else { throw LoadError(sentence: "\(path): no baseline: it is not from forkpool bench --json") }
        if let difference = Host.current.difference(from: host) {
            throw LoadError(
                sentence: "\(path): the baseline is from another host: \(difference); measure it again on this one")
        }
        if let other = Conditions(document["forkpool"]?["conditions"]) {
            if let difference = conditions.difference(from: other) {
                throw LoadError(sentence: "\(path): no baseline: \(difference), or measure it again")
            }
            notes = conditions.remarks(on: other).map { "the baseline in \(path) was measured \($0)" }
        } else {
            notes = ["the baseline in \(path) does not say with which shell, input and environment it was measured"]
        }
        counter = document["forkpool"]?["instructions_by"]?.string
        commands = runs.compactMap { Self.measured($0, successes) }
        guard commands.count == runs.count, !commands.isEmpty else {
            throw LoadError(sentence: "\(path): no baseline: its runs are incomplete")
        }
    }

    /// Says that the runs of a file are of another command line than head; nil if they are not.
    static func difference(_ base: MeasuredCommand, _ label: String, in path: String) -> String? {
        base.label == label ? nil : "the baseline in \(path) is another command: \(base.label), not \(label)"
    }

    /// Finds the command to compare with: the one with the same command line, or the only one.
    ///
    /// - Throws: `LoadError` if there is none, or if its runs cannot be compared.
    func command(
        _ label: String, _ metric: Metric, countedBy counter: InstructionCounter?, from path: String
    ) throws(LoadError) -> MeasuredCommand {
        if let counter, let other = self.counter, other != counter.name {
            throw LoadError(
                sentence: "\(path): no baseline: its instructions were counted by \(other), and here by \(counter.name)"
            )
        }
        if counter == nil, self.counter == "callgrind" {
            throw LoadError(sentence: "\(path): no baseline for \(metric.name): its runs were under callgrind")
        }
        guard let command = commands.first(where: { $0.label == label }) ?? (commands.count == 1 ? commands[0] : nil)
        else {
            throw LoadError(
                sentence: "\(path): no baseline for \(label): it has \(commands.map(\.label).joined(separator: ", "))")
        }
        let failed = command.runs.count { !$0.succeeded }
        if failed > 0 {
            throw LoadError(
                sentence:
                    "\(path): no baseline: \(failed) of \(counted(command.runs.count, "run")) of \(command.label) failed"
            )
        }
        if metric == .instructions, command.runs.contains(where: { $0.instructions == nil }) {
            throw LoadError(sentence: "\(path): no baseline for instructions: they were not counted")
        }
        return command
    }

    private static func measured(_ json: JSON, _ successes: Set<Int32>) -> MeasuredCommand? {
        func column(_ name: String) -> [Int]? {
            guard let values = json[name]?.array else { return nil }
            let integers = values.compactMap(\.integer).filter { $0 >= 0 }
            return integers.count == values.count ? integers : nil
        }
        guard let label = json["command"]?.string, let wall = column("wall_ns"), let user = column("user_ns"),
            let system = column("system_ns"), let codes = column("exit_code"), let memory = column("peak_memory_byte"),
            let floor = column("memory_floor_byte"), let counts = json["instructions"]?.array, !wall.isEmpty,
            [user, system, codes, memory, floor].allSatisfy({ $0.count == wall.count }), counts.count == wall.count
        else { return nil }
        let runs = wall.indices.map { number in
            Execution(
                .exited(Int32(clamping: codes[number])), successes: successes, wall: wall[number], user: user[number],
                system: system[number],
                peakMemory: memory[number],
                memoryFloor: floor[number], instructions: counts[number].integer)
        }
        return MeasuredCommand(name: "baseline", label: label, runs: runs)
    }
}
#endif
