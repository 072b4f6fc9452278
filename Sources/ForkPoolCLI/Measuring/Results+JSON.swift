// SPDX-License-Identifier: Apache-2.0
#if Command
extension Results {
    /// One document: the fields that hyperfine writes, and a member "forkpool" that its tools ignore.
    var json: JSON {
        .object([
            ("results", .array(entries.map(isSimulated ? Self.simulatedResult : Self.result))),
            (
                "forkpool",
                .object([
                    ("schema", .integer(1)),
                    ("version", .string(ForkPoolCommand.version)),
                    ("verb", .string(verb)),
                    ("host", Host.current.json),
                    ("seconds", .seconds(seconds)),
                    (
                        "design",
                        .object([
                            ("order", .string("interleaved blocks of two rounds, the second backwards")),
                            ("seed", .integer(Int(seed))), ("warmup_rounds", .integer(warmup)),
                        ])
                    ),
                    ("instructions_by", counter.map { .string($0.name) } ?? .null),
                    ("conditions", conditions?.json ?? .null),
                    ("noise", noiseJSON),
                    (
                        "shell",
                        shellStart.map { start in
                            .object([
                                ("command", .string(start.label)),
                                ("wall_ns", .integer(Int(start.wall.median * 1e9))),
                                ("user_ns", .integer(start.user)), ("system_ns", .integer(start.system)),
                            ])
                        } ?? .null
                    ),
                    ("notes", .array(notes.map { .string($0) })),
                    ("comparisons", .array(comparisons.map(Self.comparison))),
                    ("failures", .array(failures.map(\.json))),
                    ("runs", .array(entries.map(Self.runs))),
                ])
            ),
        ])
    }

    private static func result(_ entry: MeasuredCommand) -> JSON {
        let wall = entry.summary(.wall)
        let runs = entry.countedRuns
        func mean(_ value: (Execution) -> Int) -> JSON {
            .number(Double(runs.reduce(0) { $0 + value($1) }) / Double(runs.count) / 1e9)
        }
        return .object([
            ("command", .string(entry.label)),
            ("mean", .number(wall.mean)),
            ("stddev", wall.deviation.map { .number($0) } ?? .null),
            ("median", .number(wall.median)),
            ("user", mean(\.user)),
            ("system", mean(\.system)),
            ("min", .number(wall.minimum)),
            ("max", .number(wall.maximum)),
            ("times", .array(wall.values.map { .number($0) })),
            ("memory_usage_byte", .integers(runs.map(\.peakMemory))),
            ("exit_codes", .integers(runs.map { Int($0.code) })),
            ("parameters", .object(entry.parameters.map { ($0.name, .string($0.value)) })),
        ])
    }

    /// A command under callgrind, whose times are not its own.
    private static func simulatedResult(_ entry: MeasuredCommand) -> JSON {
        let times = ["mean", "stddev", "median", "user", "system", "min", "max"]
        return .object(
            [("command", .string(entry.label))] + times.map { ($0, .null) } + [
                ("times", .array([])),
                ("instructions", .number(entry.summary(.instructions).median)),
                ("exit_codes", .integers(entry.countedRuns.map { Int($0.code) })),
                ("parameters", .object([])),
            ])
    }

    private var noiseJSON: JSON {
        .object([
            ("processors", .integer(noise.processors)),
            ("used_by_others", noise.others.map { .number($0) } ?? .null),
            ("wanted_by_others", noise.runnable.map { .number($0) } ?? .null),
            ("cpu_pressure", noise.pressure.map { .number($0) } ?? .null),
            ("contended", .bool(noise.isContended)),
        ])
    }

    private static func comparison(_ comparison: Comparison) -> JSON {
        let decision = comparison.decision
        return .object([
            ("benchmark", comparison.title.map { .string($0) } ?? .null),
            ("base", .string(comparison.base.name)),
            ("head", .string(comparison.head.name)),
            ("metric", .string(comparison.metric.rawValue)),
            ("paired", .bool(comparison.isPaired)),
            ("runs", .integer(comparison.head.runs.count)),
            ("ratio", .number(comparison.ratio.estimate)),
            ("low", comparison.ratio.interval.map { .number($0.lowerBound) } ?? .null),
            ("high", comparison.ratio.interval.map { .number($0.upperBound) } ?? .null),
            ("confidence", .number(1 - comparison.error)),
            ("resolution", comparison.ratio.resolution.map { .number($0) } ?? .null),
            ("limit", decision.map { .number($0.limit) } ?? .null),
            ("verdict", decision.map { .string($0.verdict.word) } ?? .null),
            ("canary_found", decision?.canary.map { .bool($0) } ?? .null),
            ("others", .array(comparison.others.map(Self.other))),
            ("remarks", .array(comparison.remarks.map { .string($0) })),
        ])
    }

    private static func other(_ other: Comparison.Other) -> JSON {
        .object([
            ("metric", .string(other.metric.rawValue)),
            ("ratio", .number(other.ratio.estimate)),
            ("low", other.ratio.interval.map { .number($0.lowerBound) } ?? .null),
            ("high", other.ratio.interval.map { .number($0.upperBound) } ?? .null),
            ("contradicts", .bool(other.contradicts)),
        ])
    }

    private static func runs(_ entry: MeasuredCommand) -> JSON {
        func column(_ name: String, _ value: (Execution) -> Int) -> (String, JSON) {
            (name, .integers(entry.runs.map(value)))
        }
        let shape = RunShape(entry.values(.wall))
        return .object([
            ("name", .string(entry.name)),
            ("command", .string(entry.label)),
            column("wall_ns", \.wall),
            column("user_ns", \.user),
            column("system_ns", \.system),
            column("peak_memory_byte", \.peakMemory),
            // The smallest peak that can be measured: that of the process that starts the command.
            column("memory_floor_byte", \.memoryFloor),
            column("minor_faults", \.minorFaults),
            column("major_faults", \.majorFaults),
            column("voluntary_switches", \.voluntarySwitches),
            column("involuntary_switches", \.involuntarySwitches),
            ("instructions", .array(entry.runs.map { $0.instructions.map { .integer($0) } ?? .null })),
            column("exit_code") { Int($0.code) },
            ("outliers", .integer(shape.outliers.count)),
            (
                "groups",
                shape.groups.map { groups in
                    .array(
                        [groups.low, groups.high].map {
                            .object([("median", .number($0.median)), ("runs", .integer($0.count))])
                        })
                } ?? .null
            ),
            ("failed", .integer(entry.runs.count { !$0.succeeded })),
            ("last_failure", entry.lastFailure.map(Self.failure) ?? .null),
        ])
    }

    private static func failure(_ failure: FailedRun) -> JSON {
        .object([
            ("run", failure.number.map { .integer($0) } ?? .null),
            ("exit_code", .integer(Int(failure.run.code))),
            ("stderr", failure.errorLines.map { .array($0.map { .string($0) }) } ?? .null),
        ])
    }
}

extension PairedGate.Verdict {
    /// Whether it says which of the two it is.
    var isKnown: Bool { self == .slower || self == .passed }

    /// The verdict as one word, for programs.
    var word: String {
        switch self {
        case .slower: "slower"
        case .passed: "passed"
        case .more, .inconclusive: "inconclusive"
        }
    }
}
#endif
