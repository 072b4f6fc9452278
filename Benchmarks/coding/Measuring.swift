// SPDX-License-Identifier: Apache-2.0
import ForkPool
import Foundation

/// What one value costs in each coder, in nanoseconds a unit, as lowest values of some rounds.
struct CodingRow {
    let name: String
    let cells: [String]
    let size: Int
}

/// Measures one value after another in this library's coder and in Foundation's, in turn.
struct CoderComparison {
    static let columns = [
        "encode", "decode", "JSON encode", "JSON decode", "plist encode", "plist decode", "a call of a pool",
    ]

    let rounds: Int
    private let memory = WireProbe.Memory(room: 256 << 20)

    init(rounds: Int) {
        self.rounds = rounds
    }

    /// Measures a value that has `units` parts, such as bytes or elements.
    func row<Value: Codable & Sendable>(_ name: String, units: Int, _ value: Value) throws -> CodingRow {
        let (toJSON, fromJSON) = (JSONEncoder(), JSONDecoder())
        let (toList, fromList) = (PropertyListEncoder(), PropertyListDecoder())
        toList.outputFormat = .binary
        let pool = try ForkPool(workers: 1).resident { (value: Value) in value }
        defer { pool.close() }
        var size = 0
        var (json, list) = (Data(), Data())
        var times = [Double](repeating: .infinity, count: Self.columns.count)
        for _ in 0..<rounds {
            // A property list, and the JSON of other systems, must be an array or a dictionary.
            let works: [() throws -> Void] = [
                { size = try memory.encode(value) },
                { _ = try memory.decode(Value.self) },
                { json = try toJSON.encode([value]) },
                { _ = try fromJSON.decode([Value].self, from: json) },
                { list = try toList.encode([value]) },
                { _ = try fromList.decode([Value].self, from: list) },
                { _ = try pool(value) },
            ]
            for (column, work) in works.enumerated() { times[column] = min(times[column], try seconds(work)) }
        }
        let cells = times.map { time in
            let nanoseconds = time * 1e9 / Double(units)
            return String(format: nanoseconds < 10 ? "%.2f" : "%.0f", nanoseconds)
        }
        return CodingRow(name: name, cells: cells, size: size)
    }

    /// Returns the nanoseconds of a run as a cell shows them.
    func nanoseconds(_ work: () throws -> Void) rethrows -> String {
        var time = Double.infinity
        for _ in 0..<rounds { time = min(time, try seconds(work)) }
        return String(format: "%.0f", time * 1e9)
    }

    /// Returns the seconds of a run; of the mean of some, if it is short.
    private func seconds(_ work: () throws -> Void) rethrows -> Double {
        let clock = ContinuousClock()
        func time(_ count: Int) throws -> Double {
            let time = try clock.measure { for _ in 0..<count { try work() } }
            return (Double(time.components.attoseconds) * 1e-18 + Double(time.components.seconds)) / Double(count)
        }
        let first = try time(1)
        return first > 2e-3 ? first : try time(min(1000, Int(2e-3 / first) + 1))
    }
}
