// SPDX-License-Identifier: Apache-2.0

/// The results of a whole job, from the journals of its parts.
struct MergedJournals {
    private let parts: [(items: Range<Int>, results: RestoredResults)]
    private let total: Int
    /// Whether the results are coded, and not bit patterns: it depends on the kind of the body too.
    let isCoded: Bool

    /// Reads journals, which must have every item of one job; coded results only if `allowsCoded`.
    init<R>(_ paths: [String], of type: R.Type, allowsCoded: Bool, key: String) throws(ForkPool.Failure) {
        guard !paths.isEmpty else { throw .noJournals }
        var parts: [(items: Range<Int>, results: RestoredResults)] = []
        var total: Int?
        var coding: Bool?
        for path in paths {
            let (header, results) = try Self.read(path)
            let isCoded = coding ?? (header.isCoded && allowsCoded || !_isPOD(type))
            let wanted = JournalHeader(
                total: total ?? header.total, part: header.part, isCoded: isCoded,
                stride: isCoded ? MemoryLayout<Extent>.stride : MemoryLayout<R>.stride,
                type: ResultKind(type: type, isCoded: isCoded).typeName, key: key)
            if let difference = header.difference(from: wanted) { throw .journal(path, .other(difference)) }
            (total, coding) = (header.total, isCoded)
            parts.append((header.part, results))
        }
        self.parts = parts
        self.total = total ?? 0
        isCoded = coding ?? false
        let missing = Self.missing(self.total, parts)
        guard missing.isEmpty else { throw .journalsLack(missing, of: self.total) }
    }

    private static func read(_ path: String) throws(ForkPool.Failure) -> (JournalHeader, RestoredResults) {
        let file: OwnedFile
        do throws(SystemError) {
            file = try OwnedFile(path, writes: false)
            guard try file.lock() else { throw SystemError(call: "flock", code: SystemError.inUse) }
        } catch {
            throw error.code == SystemError.inUse ? .journalInUse(path) : .journal(path, error, merges: true)
        }
        do throws(JournalReader.Refusal) {
            var reader = try JournalReader(file)
            let results = RestoredResults(items: reader.header.part.count, size: reader.fileSize)
            try reader.forEach { results.add($0) }
            return (reader.header, results)
        } catch {
            throw .journal(path, error, merges: true)
        }
    }

    /// The items that no journal has, as ranges.
    private static func missing(
        _ total: Int, _ parts: [(items: Range<Int>, results: RestoredResults)]
    ) -> [Range<Int>] {
        var isThere = Array(repeating: false, count: total)
        for part in parts {
            for (item, isHere) in part.results.isThere.enumerated() where isHere {
                isThere[part.items.lowerBound + item] = true
            }
        }
        return Array(isThere.indices { !$0 }.ranges)
    }

    /// The results, which are bit patterns.
    func array<R>(of type: R.Type) -> [R] {
        unsafe Array(unsafeUninitializedCapacity: total) { array, count in
            for part in parts {
                unsafe part.results.forEach { items, bytes in
                    let start = (part.items.lowerBound + items.lowerBound) * MemoryLayout<R>.stride
                    unsafe UnsafeMutableRawPointer(array.baseAddress!).advanced(by: start)
                        .copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
                }
            }
            count = total
        }
    }

    /// The results, which are coded.
    func decoded<R: Decodable>(as type: R.Type) throws(ForkPool.Failure) -> [R] {
        var results: [R?] = Array(repeating: nil, count: total)
        var failure: ForkPool.Failure?
        for part in parts {
            unsafe part.results.forEach { items, bytes in
                let item = part.items.lowerBound + items.lowerBound
                do {
                    results[item] = unsafe try BinaryDecoder.decode(type, from: bytes)
                } catch {
                    if item < failure?.index ?? .max { failure = .notDecodable(item, error) }
                }
            }
        }
        if let failure { throw failure }
        return results.map { $0! }
    }
}
