/// What `forkpool bench --json` wrote, to compare with.
struct Baseline {
    /// Why a file is no baseline.
    struct Problem: Error {
        let sentence: String
    }

    private let commands: [Measured]

    /// Reads a file.
    ///
    /// - Throws: That it cannot be read, is none of `forkpool bench`, or of another host.
    init(_ path: String) throws(Problem) {
        let document: JSON
        do {
            document = try JSON.parse(TextFile.read(path))
        } catch let refusal as TextFile.Refusal {
            throw Problem(
                sentence: "\(path): no baseline: \(systemMessage(refusal.code)); forkpool bench --json writes one")
        } catch {
            throw Problem(sentence: "\(path): no baseline: \(error)")
        }
        guard document["forkpool"]?["schema"]?.integer == 1, let runs = document["forkpool"]?["runs"]?.array,
            let host = Host(document["forkpool"]?["host"])
        else { throw Problem(sentence: "\(path): no baseline: forkpool bench --json did not write it") }
        if let difference = Host.current.difference(from: host) {
            throw Problem(sentence: "\(path): the baseline of another host: \(difference); measure it here again")
        }
        commands = runs.compactMap(Self.measured)
        guard commands.count == runs.count, !commands.isEmpty else {
            throw Problem(sentence: "\(path): no baseline: its runs are not whole")
        }
    }

    /// The command to compare with: the one of the same words, or the only one.
    ///
    /// - Throws: That there is none.
    func command(_ label: String, _ metric: Metric, from path: String) throws(Problem) -> Measured {
        guard let command = commands.first(where: { $0.label == label }) ?? (commands.count == 1 ? commands[0] : nil)
        else {
            throw Problem(
                sentence: "\(path): no baseline for \(label): it has \(counted(commands.count, "other command"))")
        }
        let failed = command.runs.count { !$0.succeeded }
        if failed > 0 {
            throw Problem(
                sentence:
                    "\(path): no baseline: \(failed) of \(counted(command.runs.count, "run")) of \(command.label) failed"
            )
        }
        if metric == .instructions, command.runs.contains(where: { $0.instructions == nil }) {
            throw Problem(sentence: "\(path): no baseline for instructions: they were not counted")
        }
        return command
    }

    private static func measured(_ json: JSON) -> Measured? {
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
                .exited(Int32(clamping: codes[number])), wall: wall[number], user: user[number], system: system[number],
                peakMemory: memory[number],
                memoryFloor: floor[number], instructions: counts[number].integer)
        }
        return Measured(name: "baseline", label: label, runs: runs)
    }
}
