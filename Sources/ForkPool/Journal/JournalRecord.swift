// SPDX-License-Identifier: Apache-2.0

/// What stands before the bytes of some neighbours' results in a journal.
///
/// It has a checksum of its own, with its place in the file: so the next record is found behind damaged bytes, and a result
/// that looks like a record is none.
struct JournalRecord: Equatable {
    /// The first item's number in the part, and the number of items.
    var first: Int
    var count: Int
    /// The bytes that follow, and their checksum.
    var length: Int
    var sum: UInt32

    static let size = 32

    /// Encodes the record for a place in the file.
    func encoded(at place: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.size)
        for number in [first, count, length] { bytes.append(little: UInt64(number)) }
        bytes.append(little: sum)
        bytes.append(little: CRC32C.of(bytes[...], after: Self.seed(place)))
        return bytes
    }

    private static func seed(_ place: Int) -> UInt32 { UInt32(truncatingIfNeeded: place ^ place >> 32) }

    /// Reads the record at a place in the file; nil if there is none that a journal with such a header can have.
    @unsafe init?(_ bytes: UnsafeRawBufferPointer, at place: Int, _ header: JournalHeader) {
        guard bytes.count >= Self.size else { return nil }
        func number<T: FixedWidthInteger>(_ offset: Int, as type: T.Type) -> T {
            unsafe T(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
        }
        guard let first = Int(exactly: number(0, as: UInt64.self)),
            let count = Int(exactly: number(8, as: UInt64.self)), let length = Int(exactly: number(16, as: UInt64.self))
        else { return nil }
        self.init(first: first, count: count, length: length, sum: number(24, as: UInt32.self))
        guard fits(header) else { return nil }
        let own = unsafe CRC32C.of(
            UnsafeRawBufferPointer(rebasing: bytes[..<(Self.size - 4)]), after: Self.seed(place))
        guard number(Self.size - 4, as: UInt32.self) == own else { return nil }
    }

    init(first: Int, count: Int, length: Int, sum: UInt32) {
        self.first = first
        self.count = count
        self.length = length
        self.sum = sum
    }

    private func fits(_ header: JournalHeader) -> Bool {
        let items = header.part.count
        guard count >= 1, count <= items, first <= items - count else { return false }
        if header.isCoded { return length / MemoryLayout<UInt64>.size >= count }
        let (size, overflow) = count.multipliedReportingOverflow(by: header.stride)
        return !overflow && size == length
    }
}
