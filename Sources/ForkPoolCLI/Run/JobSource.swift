// SPDX-License-Identifier: Apache-2.0
#if Command
import Glibc

/// What the jobs of a run are made of: items, or records of standard input.
protocol JobSource: AnyObject {
    /// The descriptor to wait for before the next `read`; nil if nothing is to be read now.
    var awaited: Int32? { get }
    /// The file that is read, if it is a regular file.
    var file: FileIdentity? { get }
    /// Whether there are no more jobs.
    var isAtEnd: Bool { get }
    /// How many jobs there are, including those already taken; nil if not known yet.
    var total: Int? { get }
    /// The number, from 1 on, of the job that was taken last; of a shard's, among the jobs of all.
    var number: Int { get }
    /// Takes the values of the next job, and its records; nil if there is none yet, or no more.
    func takeJob() -> (values: [[UInt8]], records: [UInt8]?)?
    /// Reads once; waits until there is something to read.
    func read() throws(InputError)
}

extension ItemSource: JobSource {
    var number: Int { taken }

    func takeJob() -> (values: [[UInt8]], records: [UInt8]?)? { take().map { ($0, nil) } }
}

/// Standard input in blocks of whole records, for `--pipe`.
final class RecordSource: JobSource {
    private let descriptor: Int32
    private let separator: UInt8
    private let block: Int
    private var bytes: [UInt8] = []
    private var isWhole = false
    private(set) var number = 0
    /// Where the next block ends; nil if that is not known yet.
    private var end: Int?
    /// How many bytes have no end of the next block: they are not searched again.
    private var searched = 0
    /// How many bytes were searched in all.
    private(set) var searchedInAll = 0

    /// Makes a source.
    ///
    /// - Parameters:
    ///   - descriptor: The descriptor to read.
    ///   - separator: The byte that ends a record.
    ///   - block: About how many bytes a job gets.
    init(descriptor: Int32, separator: UInt8, block: Int) {
        (self.descriptor, self.separator, self.block) = (descriptor, separator, block)
    }

    var awaited: Int32? { isWhole || end != nil ? nil : descriptor }
    var file: FileIdentity? { FileIdentity(descriptor: descriptor) }
    var isAtEnd: Bool { isWhole && bytes.isEmpty }
    var total: Int? { isAtEnd ? number : nil }

    /// Finds where the next block ends: after the last whole record that fits, or after the first one.
    private func findEnd() {
        end = isWhole && !bytes.isEmpty ? bytes.count : nil
        guard bytes.count >= block else { return }
        var last: Int?
        if searched < block {
            last = bytes[..<block].lastIndex(of: separator)
            (searched, searchedInAll) = (block, searchedInAll + block)
        }
        if last == nil {
            last = bytes[searched...].firstIndex(of: separator)
            searchedInAll += (last ?? bytes.count) - searched
            searched = last ?? bytes.count
        }
        if let last { end = last + 1 }
    }

    func takeJob() -> (values: [[UInt8]], records: [UInt8]?)? {
        guard let end else { return nil }
        defer {
            bytes.removeFirst(end)
            searched = 0
            findEnd()
        }
        number += 1
        return ([], Array(bytes[..<end]))
    }

    func read() throws(InputError) {
        let start = bytes.count
        bytes += [UInt8](repeating: 0, count: 1 << 16)
        let count = unsafe bytes.withUnsafeMutableBytes { all in
            unsafe Glibc.read(descriptor, all.baseAddress! + start, all.count - start)
        }
        let code = errno
        bytes.removeLast(bytes.count - start - max(0, count))
        if count == 0 { isWhole = true }
        if count >= 0, end == nil { findEnd() }
        if count < 0, code == EAGAIN {
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            _ = unsafe poll(&entry, 1, 100)
        } else if count < 0, code != EINTR {
            throw InputError(code: code)
        }
    }
}
#endif
