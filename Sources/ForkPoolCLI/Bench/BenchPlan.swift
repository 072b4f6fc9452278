// SPDX-License-Identifier: Apache-2.0
#if Command
/// What a benchmark runs: the commands in the order of the report, the reference first, and perhaps a shell.
struct BenchPlan {
    /// The commands; the others are compared with the first.
    private(set) var entries: [Measurement.Entry] = []
    /// The number of the entry that only starts and ends the shell; nil without a shell.
    private(set) var shell: Int?

    /// Finds every program before anything runs.
    ///
    /// - Throws: `MeasurementError.program`.
    init(_ bench: Bench) throws(MeasurementError) {
        do throws(ProgramError) {
            if let reference = bench.reference, !bench.commands.contains(reference) {
                add(try bench.options.program(reference), "reference", [])
                try addParts(bench, [])
            }
            for parameters in ParameterList.combinations(bench.lists + bench.scans) {
                for (number, command) in try Self.programs(bench, parameters).enumerated() {
                    add(command, name(number, parameters, bench), parameters)
                    try addParts(bench, parameters)
                }
            }
            // The reference is one of the commands: it comes first.
            if let reference = bench.reference,
                let place = entries.firstIndex(where: { $0.command.label == reference }), place > 0
            {
                entries.insert(entries.remove(at: place), at: 0)
            }
            if let words = bench.options.shell?.words {
                shell = entries.count
                entries.append(
                    Measurement.Entry(
                        name: "shell", command: try Program(words + ["-c", ""], label: words.joined(separator: " "))))
            }
        } catch {
            throw .program(error)
        }
    }

    private mutating func add(
        _ command: Program, _ name: String, _ parameters: [(name: String, value: String)]
    ) {
        entries.append(Measurement.Entry(name: name, command: command, parameters: parameters))
    }

    /// Finds the programs around the last command.
    private mutating func addParts(
        _ bench: Bench, _ parameters: [(name: String, value: String)]
    ) throws(ProgramError) {
        func program(_ line: String?) throws(ProgramError) -> Program? {
            guard let line else { return nil }
            return try Program(line.filled(parameters), shell: bench.options.shell?.words)
        }
        let last = entries.count - 1
        entries[last].setup = try program(bench.setup)
        entries[last].prepare = try program(bench.prepare)
        entries[last].cleanup = try program(bench.cleanup)
    }

    private static func programs(
        _ bench: Bench, _ parameters: [(name: String, value: String)]
    ) throws(ProgramError) -> [Program] {
        var programs: [Program] = []
        let words = AfterTerminator.words
        for line in bench.commands.dropLast(words.count) {
            programs.append(try bench.options.program(line.filled(parameters)))
        }
        if !words.isEmpty { programs.append(try bench.options.program(words.map { $0.filled(parameters) })) }
        return programs
    }

    /// Names a command by `--name`, with the values of parameters where one name is for several; else by a letter.
    private func name(_ number: Int, _ parameters: [(name: String, value: String)], _ bench: Bench) -> String {
        guard number < bench.names.count else {
            let hasReference = entries.first?.name == "reference"
            // A letter that is no other command's name.
            var letter = entries.count - (hasReference ? 1 : 0)
            func isTaken(_ name: String) -> Bool { bench.names.contains(name) || entries.contains { $0.name == name } }
            while isTaken(MeasuredCommand.name(letter)) { letter += 1 }
            return MeasuredCommand.name(letter)
        }
        let name = printable(bench.names[number])
        let filled = name.filled(parameters)
        guard !parameters.isEmpty, filled == name else { return filled }
        return "\(name) (\(parameters.map { "\($0.name)=\($0.value)" }.joined(separator: ", ")))"
    }
}
#endif
