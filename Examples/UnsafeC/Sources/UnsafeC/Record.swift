// SPDX-License-Identifier: Apache-2.0
import CRecords

/// A text for the C library, and what it should find there.
struct Record: Codable {
    var text: String
    var digest: Int

    /// Makes a text of 2000 fields.
    init(number: Int) {
        let fields = (0..<2000).map { (name: "field\($0 * number % 89)", value: $0 + number) }
        text = fields.map { "\($0.name)=\($0.value)" }.joined(separator: ";")
        digest = fields.reduce(0) { $0 + $1.name.utf8.count * $1.value }
    }

    /// Makes one that crashes the library.
    init(bad text: String) {
        self.text = text
        digest = 0
    }

    /// Reads the text by the C library, from its first field to its last.
    static func digest(_ text: String) -> Int {
        text.withCString { text in
            crecords_open(text)
            var sum = 0
            while let name = crecords_next() {
                var length = 0
                while name[length] != 0 { length += 1 }
                sum += length * crecords_value()
            }
            return sum
        }
    }
}
