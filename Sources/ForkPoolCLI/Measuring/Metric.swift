// SPDX-License-Identifier: Apache-2.0
#if Command
/// The quantity that is compared.
enum Metric: String, CaseIterable {
    case cpu
    case wall
    case instructions
    case rss

    /// How many times the CPU time a wall time is that is far above it.
    static let farAbove = 2.0

    /// Returns the value for a run: seconds, instructions or bytes.
    func value(_ run: Execution) -> Double {
        switch self {
        case .cpu: (Double(run.user) + Double(run.system)) / 1e9
        case .wall: Double(run.wall) / 1e9
        case .instructions: Double(run.instructions ?? 0)
        case .rss: Double(run.peakMemory)
        }
    }

    /// The name within a sentence, such as "CPU time".
    var name: String {
        switch self {
        case .cpu: "CPU time"
        case .wall: "wall time"
        case .instructions: "instructions"
        case .rss: "peak memory"
        }
    }

    /// Makes a scale with the unit that fits a value.
    func scale(for value: Double) -> Scale {
        switch self {
        case .cpu, .wall: .seconds(value)
        case .instructions: .count(value)
        case .rss: .bytes(value)
        }
    }
}

/// A unit for values, with as many decimals as give three significant digits for one of them.
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

    /// Formats a value without the unit.
    func number(_ value: Double) -> String { fixed(value * factor, decimals) }

    /// Formats a value with the unit.
    func text(_ value: Double) -> String { unit.isEmpty ? number(value) : "\(number(value)) \(unit)" }
}
#endif
