// SPDX-License-Identifier: Apache-2.0
import Foundation

// Prints what values cost in this library's coder beside JSON and binary property lists, for scripts/compare-coders.

let arguments = CommandLine.arguments.dropFirst()
let comparison = CoderComparison(rounds: arguments.first.flatMap { Int($0) } ?? 7)
let wanted = arguments.dropFirst()

print("| |", CoderComparison.columns.joined(separator: " | "), "| bytes |")
print("|---|", CoderComparison.columns.map { _ in "---:" }.joined(separator: "|"), "|---:|", separator: "")

@MainActor
func show<Value: Codable & Sendable>(_ name: String, units: Int, _ value: @autoclosure () -> Value) throws {
    guard wanted.isEmpty || wanted.contains(where: { name.contains($0) }) else { return }
    let row = try comparison.row(name, units: units, value())
    print("| \(name) |", row.cells.joined(separator: " | "), "| \(row.size) |")
}

@MainActor
func showFloor() throws {
    let floor = NullCoder()
    let record = Record(5)
    let (encoding, decoding) = (
        comparison.nanoseconds { floor.encode(record) },
        try comparison.nanoseconds { _ = try floor.decode(Record.self) }
    )
    print(
        "\nA coder that writes nothing and reads nothing needs", encoding, "and", decoding,
        "ns for the struct of 8 fields: that is the cost of Codable itself.")
}

let megabytes = 10_000_000
let thousand = 1000
let lines = (0..<thousand).map { Line($0) }

try show("`Data` of 10 MB, a byte", units: megabytes, Data(repeating: 7, count: megabytes))
try show("`[UInt8]` of 1 MB, a byte", units: megabytes / 10, [UInt8](repeating: 7, count: megabytes / 10))
try show(
    "1000 `Data` of 1 kB, a byte", units: 1000 * thousand,
    (0..<thousand).map { Data(repeating: UInt8($0 % 256), count: 1000) })
try show("1000 rows with strings, a row", units: thousand, lines)
try show("one struct of 8 fields, a struct", units: 1, Record(5))
try show("1000 structs of 8 fields, a struct", units: thousand, (0..<thousand).map { Record($0) })
try show(
    "1000 strings of 105 bytes, a string", units: thousand,
    (0..<thousand).map { "\(1000 + $0)" + String(repeating: "x", count: 101) })
try show("one row, a row", units: 1, lines[0])
try show(
    "`[String: Int]` of 1000, an entry", units: thousand,
    Dictionary(uniqueKeysWithValues: lines.map { ($0.name, $0.id) }))
try show(
    "`[String: Row]` of 1000, an entry", units: thousand, Dictionary(uniqueKeysWithValues: lines.map { ($0.name, $0) }))
try show(
    "`[Int: Int]` of 1000, an entry", units: thousand, Dictionary(uniqueKeysWithValues: lines.map { ($0.id, $0.id) }))
try show("`[Date]`, an element", units: thousand, (0..<thousand).map { Order.date($0) })
try show("`[UUID]`, an element", units: thousand, (0..<thousand).map { Order.uuid($0) })
try show("`[Decimal]`, an element", units: thousand, (0..<thousand).map { Order.decimal($0) })
try show("`[URL]`, an element", units: thousand, (0..<thousand).map { Order.url($0) })
try show("1000 rows with `Date`, a row", units: thousand, (0..<thousand).map { Holder(value: Order.date($0)) })
try show("1000 rows with `UUID`, a row", units: thousand, (0..<thousand).map { Holder(value: Order.uuid($0)) })
try show("1000 rows with `Decimal`, a row", units: thousand, (0..<thousand).map { Holder(value: Order.decimal($0)) })
try show("1000 rows with all of them, a row", units: thousand, (0..<thousand).map { Order($0) })
if wanted.isEmpty || wanted.contains(where: { "one struct of 8 fields".contains($0) }) { try showFloor() }
