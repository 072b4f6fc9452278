// SPDX-License-Identifier: Apache-2.0

/// Reads the records of a journal that are whole, in the order of the file.
struct JournalReader {
    private let file: OwnedFile
    let header: JournalHeader
    let fileSize: Int
    /// Where the next record begins.
    private var offset: Int
    /// The end of the last record that is whole: what follows was torn.
    private(set) var end: Int
    /// The bytes of a record.
    private let buffer = GrowingBytes()

    /// Some neighbours' results.
    @safe struct Entry {
        /// The items' numbers in the part.
        let items: Range<Int>
        let bytes: UnsafeRawBufferPointer
        let isCoded: Bool
        /// Bytes from one result to the next, where results are not coded.
        let stride: Int

        fileprivate init(_ record: JournalRecord, _ bytes: UnsafeRawBufferPointer, _ header: JournalHeader) {
            items = record.first..<record.first + record.count
            unsafe self.bytes = bytes
            isCoded = header.isCoded
            stride = header.stride
        }

        /// Where the bytes of each item lie among `bytes`; nil if their sizes contradict the whole.
        func parts() -> [Range<Int>]? {
            guard isCoded else { return (0..<items.count).map { $0 * stride..<($0 + 1) * stride } }
            var start = items.count * MemoryLayout<UInt64>.size
            var parts: [Range<Int>] = []
            parts.reserveCapacity(items.count)
            for item in 0..<items.count {
                let length = unsafe UInt64(
                    littleEndian: bytes.loadUnaligned(fromByteOffset: item * MemoryLayout<UInt64>.size, as: UInt64.self)
                )
                guard let length = Int(exactly: length), unsafe length <= bytes.count - start else { return nil }
                parts.append(start..<start + length)
                start += length
            }
            return unsafe start == bytes.count ? parts : nil
        }
    }

    enum Refusal: Error {
        case header(JournalHeader.Refusal)
        /// The journal is of another job: how that one differs.
        case other(String)
        case system(SystemError)
    }

    init(_ file: OwnedFile) throws(Refusal) {
        self.file = file
        let bytes: [UInt8]
        do throws(SystemError) {
            fileSize = try file.status().size
            bytes = try file.bytes(at: 0, min(fileSize, JournalHeader.fixedSize + 2 * JournalHeader.mostText))
        } catch {
            throw .system(error)
        }
        do throws(JournalHeader.Refusal) {
            header = try JournalHeader(bytes)
        } catch {
            throw .header(error)
        }
        offset = header.size
        end = offset
    }

    /// Calls `body` with the first result of each item: with those of neighbours, or of one item where they are coded.
    mutating func results(
        _ body: (_ items: Range<Int>, _ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Void
    ) throws(Refusal) {
        // A file may say that it has any number of items: an array of so many would end the process.
        let marks = try Self.marks(for: header.part.count)
        defer { extendLifetime(marks) }
        let isThere = unsafe marks.base.bindMemory(to: Bool.self, capacity: marks.size)
        try forEach { entry throws(SystemError) in
            guard let parts = entry.isCoded ? entry.parts() : [] else { return }
            var next = entry.items.lowerBound
            while let first = (next..<entry.items.upperBound).first(where: { unsafe !isThere[$0] }) {
                next = first
                repeat {
                    unsafe isThere[next] = true
                    next += 1
                } while unsafe !entry.isCoded && next < entry.items.upperBound && !isThere[next]
                let place = first - entry.items.lowerBound
                let part = entry.isCoded ? parts[place] : place * entry.stride..<(place + next - first) * entry.stride
                unsafe try body(first..<next, UnsafeRawBufferPointer(rebasing: entry.bytes[part]))
            }
        }
    }

    private static func marks(for items: Int) throws(Refusal) -> Mapping {
        do throws(SystemError) { return try Mapping(size: max(items, 1)) } catch { throw .system(error) }
    }

    /// Calls `body` with each whole record, and passes over what is damaged.
    mutating func forEach(_ body: (Entry) throws(SystemError) -> Void) throws(Refusal) {
        do throws(SystemError) {
            while fileSize - offset >= JournalRecord.size {
                if try !readRecord(body) { offset = try nextRecord(from: offset + 1) }
            }
        } catch {
            throw .system(error)
        }
    }

    /// Reads the record at `offset`, and goes on behind it; returns false if there is none.
    private mutating func readRecord(_ body: (Entry) throws(SystemError) -> Void) throws(SystemError) -> Bool {
        let head = try file.bytes(at: offset, JournalRecord.size)
        guard let record = unsafe head.withUnsafeBytes({ unsafe JournalRecord($0, at: offset, header) }),
            record.length <= fileSize - offset - JournalRecord.size
        else { return false }
        try buffer.resize(to: record.length)
        // If not, something cut the file meanwhile.
        let bytes = unsafe UnsafeRawBufferPointer(buffer.bytes)
        let count = unsafe try file.read(into: buffer.bytes, at: offset + JournalRecord.size)
        guard count == record.length else { return false }
        offset += JournalRecord.size + count
        guard unsafe CRC32C.of(bytes) == record.sum else { return true }
        end = offset
        unsafe try body(Entry(record, bytes, header))
        return true
    }

    /// Finds the first place, from one on, at which a record begins; the end of the file if there is none.
    private func nextRecord(from start: Int) throws(SystemError) -> Int {
        var start = start
        while fileSize - start >= JournalRecord.size {
            // A record may begin in a hole, and have its last bytes behind that; one of zeros alone is none.
            start = max(start, file.nextData(from: start) - JournalRecord.size)
            guard fileSize - start >= JournalRecord.size else { break }
            let bytes = try file.bytes(at: start, min(1 << 20, fileSize - start))
            guard bytes.count >= JournalRecord.size else { break }
            let found = unsafe bytes.withUnsafeBytes { bytes in
                (0...bytes.count - JournalRecord.size).first { index in
                    unsafe JournalRecord(
                        UnsafeRawBufferPointer(rebasing: bytes[index...]), at: start + index, header) != nil
                }
            }
            if let found { return start + found }
            start += bytes.count - JournalRecord.size + 1
        }
        return fileSize
    }

    /// Cuts off what follows the last whole record.
    func cutTail() throws(Refusal) {
        guard end < fileSize else { return }
        do throws(SystemError) {
            try file.truncate(to: end)
        } catch {
            throw .system(error)
        }
    }
}
