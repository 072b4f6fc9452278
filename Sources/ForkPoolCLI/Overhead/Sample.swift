/// Measurements of one cell: seconds, one for each round.
struct Sample {
    var seconds: [Double] = []

    /// The middle value.
    var median: Double { ForkPoolCLI.median(seconds) }

    /// An interval that misses the true median with a probability of 5 % at most, or all values where they are too few for one.
    var interval: ClosedRange<Double> {
        SignTest.interval(seconds, error: 0.05) ?? (seconds.min() ?? 0)...(seconds.max() ?? 0)
    }

    /// The ratios to another cell, round by round: what drifts between rounds cancels out.
    func ratios(to other: Sample) -> Sample {
        Sample(seconds: zip(seconds, other.seconds).map { $0 / $1 })
    }
}

/// One line of the table: the same work in several columns.
struct Row {
    /// The work, in words.
    let name: String
    /// What a figure is given in: "µs", "ns/item".
    let unit: String
    /// The figure for one second.
    let perSecond: Double
    /// How many rounds are enough.
    let rounds: Int
    /// The columns that do this work.
    let cells: [Cell]
}

/// The work of a row in one column.
struct Cell {
    let column: Column
    /// The most rounds that it takes part in: a run of seconds is not needed as often as one of milliseconds.
    let rounds: Int
    /// Prepares what is measured; returns what runs once a round and gives its seconds.
    let start: () throws -> () throws -> Double

    /// Makes a cell whose runs share nothing.
    init(_ column: Column, rounds: Int = .max, _ run: @escaping () throws -> Double) {
        self.column = column
        self.rounds = rounds
        start = { run }
    }

    /// Makes a cell whose runs share workers, which are started before the first one and end with the row.
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

/// Who does the work.
enum Column: String, CaseIterable {
    case oneShot = "one-shot"
    case inPlace = "in place"
    case resident = "resident"
    case residentInPlace = "resident in place"
    case exec = "exec"
    case floor = "C floor"
    case warmFloor = "warm floor"
    case sequential = "sequential"
    case concurrentPerform = "concurrentPerform"
    case taskGroup = "task group"
    case python = "Python Pool"

    /// Whether it is this library's.
    var isOurs: Bool {
        switch self {
        case .oneShot, .inPlace, .resident, .residentInPlace, .exec: true
        default: false
        }
    }
}
