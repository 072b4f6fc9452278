import Glibc

/// Measurements of one cell: seconds, one for each round.
struct Sample {
    var seconds: [Double] = []

    /// The middle value.
    var median: Double { Self.median(seconds) }

    /// An interval that holds the true median with a confidence of about 95 %, from the order of the values alone.
    var interval: ClosedRange<Double> {
        let sorted = seconds.sorted()
        let lower = max(0, Int(Double(sorted.count) / 2 - 0.98 * Double(sorted.count).squareRoot()))
        return sorted[lower]...sorted[sorted.count - 1 - lower]
    }

    /// The ratios to another cell, round by round: what drifts between rounds cancels out.
    func ratios(to other: Sample) -> Sample {
        Sample(seconds: zip(seconds, other.seconds).map { $0 / $1 })
    }

    private static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
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
    /// The columns that do this work; each returns the seconds of one run.
    let cells: [(column: Column, run: () throws -> Double)]
}

/// Who does the work.
enum Column: String, CaseIterable {
    case oneShot = "one-shot"
    case inPlace = "in place"
    case floor = "C floor"
    case warmFloor = "warm floor"
    case sequential = "sequential"
    case concurrentPerform = "concurrentPerform"
    case taskGroup = "task group"
    case python = "Python Pool"

    /// Whether it is this library's.
    var isOurs: Bool { self == .oneShot || self == .inPlace }
}
