// SPDX-License-Identifier: Apache-2.0
#if Command
/// The measurements of one cell, in seconds, one for each round.
struct Sample {
    var seconds: [Double] = []

    /// The median, in seconds.
    var median: Double { ForkPoolCLI.median(seconds) }

    /// The 95 % confidence interval of the median; the whole range if there are too few values.
    var interval: ClosedRange<Double> {
        SignTest.interval(seconds, error: 0.05) ?? (seconds.min() ?? 0)...(seconds.max() ?? 0)
    }

    /// Computes the ratios to another cell, round by round, so that a drift between rounds cancels out.
    func ratios(to other: Sample) -> Sample {
        Sample(seconds: zip(seconds, other.seconds).map { $0 / $1 })
    }
}

/// A row of the table: the same work in several columns.
struct Row {
    /// The name of the work.
    let name: String
    /// The unit of figures, such as "µs" or "ns/item".
    let unit: String
    /// The figure that stands for one second.
    let perSecond: Double
    /// The default number of rounds.
    let rounds: Int
    /// The cells of the columns that do this work.
    let cells: [Cell]
    /// The memory that a large row needs, in bytes; nil for a row that is measured without `--large`.
    var needs: Int?

    /// Whether a table has the row, given a text for its name and whether large rows are asked for.
    func isChosen(by text: String?, large: Bool) -> Bool {
        text.map(name.contains) ?? (needs == nil || large)
    }
}

/// The work of a row in one column.
struct Cell {
    let column: Column
    /// The most rounds to run; few for work that takes seconds.
    let rounds: Int
    /// Prepares the measurement; returns the function that runs once per round and returns its seconds.
    let start: () throws -> () throws -> Double

    /// Makes a cell whose runs share nothing.
    init(_ column: Column, rounds: Int = .max, _ run: @escaping () throws -> Double) {
        self.column = column
        self.rounds = rounds
        start = { run }
    }

    /// Makes a cell whose runs share workers, which start before the first run and end with the row.
    init<Workers>(
        _ column: Column, rounds: Int = .max, on workers: @autoclosure @escaping () throws -> Workers,
        _ run: @escaping (Workers) throws -> Double
    ) {
        self.column = column
        self.rounds = rounds
        start = {
            let workers = try workers()
            return { try run(workers) }
        }
    }
}

/// The way in which the work is done.
enum Column: String, CaseIterable {
    case oneShot = "one-shot"
    case journal = "with journal"
    case inPlace = "in place"
    case resident = "resident"
    case residentInPlace = "resident in place"
    case exec = "exec"
    case floor = "C floor"
    case warmFloor = "warm floor"
    case sequential = "sequential"
    case concurrentPerform = "concurrentPerform"
    case taskGroup = "task group"
    case tasks = "tasks alone"
    case python = "Python Pool"
    case cluster = "cluster"
    case ideal = "ideal"
    case oneHost = "one host"
    case withoutJournal = "without journal"

    /// Whether it belongs to this library.
    var isOurs: Bool {
        switch self {
        case .oneShot, .journal, .inPlace, .resident, .residentInPlace, .exec, .cluster: true
        default: false
        }
    }

    /// Whether the ratios of a row are those to this column.
    var isFloor: Bool { [.floor, .ideal, .oneHost, .withoutJournal].contains(self) }
}
#endif
