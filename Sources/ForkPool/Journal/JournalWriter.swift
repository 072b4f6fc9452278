// SPDX-License-Identifier: Apache-2.0

/// Appends records to a journal: it collects them, and then writes them by one call.
///
/// Bytes are copied from the shared memory first, then summed up and written: a body that writes where it must not cannot
/// make a record that contradicts itself.
struct JournalWriter {
    /// The most bytes of a record, unless a single result is larger; and how many are collected before they are written.
    ///
    /// Few enough to be in the processor's cache from the copy to the write.
    static let recordSize = 1 << 18

    private let file: OwnedFile
    /// The end of the file, where the next record goes.
    private(set) var end: Int
    private var buffer: [UInt8] = []

    init(_ file: OwnedFile, end: Int) {
        self.file = file
        self.end = end
    }

    enum Refusal: Error, Equatable {
        case system(SystemError)
        /// The file has another size than this process gave it.
        case changed(size: Int)
        /// Something deleted the file, or put another one in its place.
        case deleted
    }

    /// Whether enough is collected to be written.
    var isFull: Bool { buffer.count >= Self.recordSize }

    /// Collects a record of some neighbours, whose bytes `write` appends.
    mutating func collect(_ items: Range<Int>, _ write: (inout [UInt8]) -> Void) {
        let (head, start) = (buffer.count, buffer.count + JournalRecord.size)
        buffer.append(contentsOf: repeatElement(0, count: JournalRecord.size))
        write(&buffer)
        let record = JournalRecord(
            first: items.lowerBound, count: items.count, length: buffer.count - start, sum: CRC32C.of(buffer[start...]))
        buffer.replaceSubrange(head..<start, with: record.encoded(at: end + head))
    }

    /// Writes what is collected; what cannot be written is dropped.
    mutating func flush() throws(Refusal) {
        guard !buffer.isEmpty else { return }
        defer { buffer.removeAll(keepingCapacity: true) }
        let file = file
        let (size, isDeleted) = try Self.refusing { () throws(SystemError) in
            let status = try file.status()
            return (status.size, try file.isDeleted(status))
        }
        guard size == end else { throw .changed(size: size) }
        guard !isDeleted else { throw .deleted }
        do throws(SystemError) {
            try file.write(buffer, at: end)
        } catch {
            // What a full disk took of a record is no record.
            try? file.truncate(to: end)
            throw .system(error)
        }
        end += buffer.count
    }

    /// Waits until what was written is on the disk.
    func synchronize() throws(Refusal) {
        try Self.refusing { () throws(SystemError) in try file.synchronize() }
    }

    private static func refusing<T>(_ call: () throws(SystemError) -> T) throws(Refusal) -> T {
        do throws(SystemError) { return try call() } catch { throw .system(error) }
    }
}
