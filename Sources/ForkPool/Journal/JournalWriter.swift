// SPDX-License-Identifier: Apache-2.0

/// Appends records to a journal: it collects them, and then writes them by one call.
///
/// Bytes are copied from the shared memory first, then summed up and written: a body that writes where it must not cannot
/// make a record that contradicts itself.
struct JournalWriter {
    /// The most bytes of a record, unless a single result is larger; and what is collected before it is written.
    static let recordSize = 1 << 20
    private static let bufferSize = 4 << 20

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
    }

    /// Whether enough is collected to be written.
    var isFull: Bool { buffer.count >= Self.bufferSize }

    /// Collects a record of some neighbours, whose bytes `write` appends.
    mutating func collect(_ items: Range<Int>, _ write: (inout [UInt8]) -> Void) {
        let (head, start) = (buffer.count, buffer.count + JournalRecord.size)
        buffer.append(contentsOf: repeatElement(0, count: JournalRecord.size))
        write(&buffer)
        let record = JournalRecord(
            first: items.lowerBound, count: items.count, length: buffer.count - start, sum: CRC32C.of(buffer[start...]))
        buffer.replaceSubrange(head..<start, with: record.encoded())
    }

    /// Writes what is collected; what cannot be written is dropped.
    mutating func flush() throws(Refusal) {
        guard !buffer.isEmpty else { return }
        defer { buffer.removeAll(keepingCapacity: true) }
        let size: Int
        do throws(SystemError) {
            size = try file.size()
            if size == end { try file.write(buffer, at: end) }
        } catch {
            // What a full disk took of a record is no record.
            try? file.truncate(to: end)
            throw .system(error)
        }
        guard size == end else { throw .changed(size: size) }
        end += buffer.count
    }

    /// Waits until what was written is on the disk.
    func synchronize() throws(Refusal) {
        do throws(SystemError) {
            try file.synchronize()
        } catch {
            throw .system(error)
        }
    }
}
