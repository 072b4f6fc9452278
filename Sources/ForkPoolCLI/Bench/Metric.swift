import ArgumentParser

/// What is compared.
enum Metric: String, CaseIterable, ExpressibleByArgument {
    case cpu
    case wall
    case instructions
    case rss

    /// The value of a run: seconds, instructions or bytes.
    func value(_ run: Execution) -> Double {
        switch self {
        case .cpu: (Double(run.user) + Double(run.system)) / 1e9
        case .wall: Double(run.wall) / 1e9
        case .instructions: Double(run.instructions ?? 0)
        case .rss: Double(run.peakMemory)
        }
    }

    /// In a sentence: "by CPU time".
    var name: String {
        switch self {
        case .cpu: "CPU time"
        case .wall: "wall time"
        case .instructions: "instructions"
        case .rss: "peak memory"
        }
    }

    /// Writes values in the unit that fits the first one.
    func scale(for value: Double) -> Scale {
        switch self {
        case .cpu, .wall: .seconds(value)
        case .instructions: .count(value)
        case .rss: .bytes(value)
        }
    }
}

/// A unit that values are written in, with three digits that matter for the value that it was chosen by.
struct Scale {
    let unit: String
    let factor: Double
    private let decimals: Int

    private init(_ value: Double, _ units: [(name: String, size: Double)]) {
        let chosen = units.last { value >= $0.size * 0.9995 } ?? units[0]
        unit = chosen.name
        factor = 1 / chosen.size
        let scaled = value * factor
        decimals = scaled == 0 || scaled >= 99.95 ? 0 : scaled < 9.995 ? 2 : 1
    }

    static func seconds(_ value: Double) -> Scale {
        Scale(value, [("µs", 1e-6), ("ms", 1e-3), ("s", 1)])
    }

    static func bytes(_ value: Double) -> Scale {
        Scale(value, [("kB", 1e3), ("MB", 1e6), ("GB", 1e9)])
    }

    static func count(_ value: Double) -> Scale {
        Scale(value, [("", 1), ("k", 1e3), ("M", 1e6), ("G", 1e9)])
    }

    /// The number alone.
    func number(_ value: Double) -> String { fixed(value * factor, decimals) }

    /// The number and the unit.
    func text(_ value: Double) -> String { unit.isEmpty ? number(value) : "\(number(value)) \(unit)" }
}
