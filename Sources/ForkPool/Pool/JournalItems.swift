// SPDX-License-Identifier: Apache-2.0

/// Which items of a map a journal has, for tests and for programs of this package that look at one between two runs.
package struct JournalItems {
    /// For each item of the map, whether its result is in the file.
    package private(set) var isThere: [Bool]
    /// Whether something follows the last whole record.
    package private(set) var isTorn = false

    /// Reads the journal of a map of so many items; one that is not there, or that has no whole header, has none of them.
    package init(_ path: String, of count: Int) {
        isThere = Array(repeating: false, count: count)
        guard let file = try? OwnedFile(path, writes: false), var reader = try? JournalReader(file) else { return }
        let first = reader.header.part.lowerBound
        var found: [Range<Int>] = []
        guard unsafe (try? reader.results { items, _ in found.append(items) }) != nil else { return }
        isTorn = reader.end < reader.fileSize
        for item in found.joined() where first + item < count { isThere[first + item] = true }
    }
}
