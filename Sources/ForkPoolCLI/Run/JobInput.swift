// SPDX-License-Identifier: Apache-2.0
#if Command
/// What else a job works on besides its item, as its line in a log tells it: with other input it is another job; and where
/// its results are.
struct JobInput: Equatable {
    /// The file of `--input`, or the digest of the records of `--pipe`; nil without them.
    var source: [UInt8]?
    /// The folder of `--wd`.
    var folder: [UInt8]?
    /// The identity of its results; nil without `--results`.
    var results: String?

    /// Its members of a line in a log.
    var members: [(String, JSON)] {
        [("input", source), ("wd", folder), ("results", results.map { Array($0.utf8) })]
            .compactMap { name, value in value.map { (name, .bytes($0)) } }
    }

    /// Reads it from a line in a log.
    init(_ entry: JSON) {
        (source, folder, results) = (entry["input"]?.bytes, entry["wd"]?.bytes, entry["results"]?.string)
    }

    init(source: [UInt8]? = nil, folder: [UInt8]? = nil) {
        (self.source, self.folder) = (source, folder)
    }

    /// What stands for records in a log.
    static func digest(of records: [UInt8]) -> [UInt8] { Array("xxh64:\(hexadecimal(XXH64.digest(of: records)))".utf8) }
}

extension XXH64 {
    /// Hashes bytes.
    static func digest(of bytes: [UInt8]) -> UInt64 {
        var hash = XXH64()
        hash.update(bytes.span)
        return hash.digest
    }

    /// Adds bytes and their number, so that it matters where one item ends and the next begins.
    mutating func update(item: [UInt8]) {
        update(item.span)
        let length = (0..<8).map { UInt8(truncatingIfNeeded: item.count >> ($0 * 8)) }
        update(length.span)
    }
}

/// Writes a number in 16 hexadecimal digits.
func hexadecimal(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}
#endif
