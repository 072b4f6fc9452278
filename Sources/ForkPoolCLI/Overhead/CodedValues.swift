// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool

/// Makes a string of 105 bytes.
func codedString(_ item: Int) -> String {
    "\(item + 10_000_000) is the number of this result, and what follows is as long as a line of a log is, or a path .."
}

/// Makes a dictionary of 100 entries.
func codedTable(_ item: Int) -> [String: Int] {
    var table = [String: Int](minimumCapacity: 100)
    for entry in 0..<100 { table["key \(entry)"] = item + entry }
    return table
}

/// A struct of eight fields of different types.
struct CodedRecord: Codable, Sendable {
    var id: Int
    var name: String
    var score: Double
    var tags: [String]
    var rank: Int?
    var isActive: Bool
    var note: String?
    var values: [Double]

    init(_ item: Int) {
        id = item
        name = "customer number \(item)"
        score = Double(item) / 7
        tags = ["red", "green", "tag \(item % 10)"]
        rank = item % 3 == 0 ? nil : item
        isActive = item % 2 == 0
        note = item % 4 == 0 ? nil : "called twice"
        values = [1, 2, Double(item)]
    }
}

/// Makes strings in exec workers.
struct StringJob: ForkPool.Job {
    func run(_ item: Int) -> String { codedString(item) }
}

/// Makes dictionaries in exec workers.
struct TableJob: ForkPool.Job {
    func run(_ item: Int) -> [String: Int] { codedTable(item) }
}

/// Makes structs in exec workers.
struct RecordJob: ForkPool.Job {
    func run(_ item: Int) -> CodedRecord { CodedRecord(item) }
}
#endif
