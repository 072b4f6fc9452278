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
        do throws(SystemError) {
            fileSize = try file.status().size
        } catch {
            throw .system(error)
        }
        let bytes = try Self.bytes(of: file, at: 0, min(fileSize, JournalHeader.fixedSize + 2 * JournalHeader.mostText))
        do throws(JournalHeader.Refusal) {
            header = try JournalHeader(bytes)
        } catch {
            throw .header(error)
        }
        offset = header.size
        end = offset
    }

    /// Calls `body` with each whole record, and passes over what is damaged.
    mutating func forEach(_ body: (Entry) -> Void) throws(Refusal) {
        while fileSize - offset >= JournalRecord.size {
            if try !readRecord(body) { offset = try nextRecord(from: offset + 1) }
        }
    }

    /// Reads the record at `offset`, and goes on behind it; returns false if there is none.
    private mutating func readRecord(_ body: (Entry) -> Void) throws(Refusal) -> Bool {
        let head = try Self.bytes(of: file, at: offset, JournalRecord.size)
        guard let record = unsafe head.withUnsafeBytes({ unsafe JournalRecord($0, at: offset, header) }),
            record.length <= fileSize - offset - JournalRecord.size
        else { return false }
        let bytes = try Self.bytes(of: file, at: offset + JournalRecord.size, record.length)
        // If not, something cut the file meanwhile.
        guard bytes.count == record.length else { return false }
        offset += JournalRecord.size + record.length
        unsafe bytes.withUnsafeBytes { bytes in
            guard unsafe CRC32C.of(bytes) == record.sum else { return }
            end = offset
            body(unsafe Entry(record, bytes, header))
        }
        return true
    }

    /// Finds the first place, from one on, at which a record begins; the end of the file if there is none.
    private func nextRecord(from start: Int) throws(Refusal) -> Int {
        var start = start
        while fileSize - start >= JournalRecord.size {
            let bytes = try Self.bytes(of: file, at: start, min(1 << 20, fileSize - start))
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

    private static func bytes(of file: OwnedFile, at offset: Int, _ length: Int) throws(Refusal) -> [UInt8] {
        do throws(SystemError) {
            return try file.bytes(at: offset, length)
        } catch {
            throw .system(error)
        }
    }
}
