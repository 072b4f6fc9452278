// SPDX-License-Identifier: Apache-2.0
internal import CForkPool

/// What a journal's results are of: the beginning of its file.
///
/// Two runs that have the same header are runs of the same job, as far as a file can tell.
struct JournalHeader: Equatable {
    /// The number of items of the whole job.
    var total: Int
    /// The items of the job whose results are here: all, or those of a shard.
    var part: Range<Int>
    /// Whether the results are coded, each with a size of its own.
    var isCoded: Bool
    /// Bytes from one result's slot to the next.
    var stride: Int
    /// The mangled name of the results' type.
    var type: String
    /// The caller's name for the job and its version.
    var key: String

    // The file begins with 72 bytes: a magic text, the version, the sizes of type and key, whether results are coded; total,
    // part and stride; and a checksum of all of it. Type and key follow. Numbers are little-endian.
    private static let magic: [UInt8] = Array("FORKPOOL JOURNAL".utf8)
    static let version: UInt32 = 1
    static let fixedSize = 72
    /// Longer ones are no type's name and no key.
    static let mostText = 1 << 20

    /// What is too long to be in a header, and its size in bytes; nil if nothing is.
    var longText: (name: String, size: Int)? {
        [("key", key.utf8.count), ("name of the results' type", type.utf8.count)].first { $0.1 > Self.mostText }
    }

    /// The size of the header in the file, in bytes.
    var size: Int { Self.fixedSize + type.utf8.count + key.utf8.count }

    func encoded() -> [UInt8] {
        var bytes = Self.magic
        bytes.append(little: Self.version)
        bytes.append(little: UInt32(type.utf8.count))
        bytes.append(little: UInt32(key.utf8.count))
        bytes.append(little: UInt32(isCoded ? 1 : 0))
        for number in [total, part.lowerBound, part.upperBound, stride] { bytes.append(little: UInt64(number)) }
        let text = Array(type.utf8) + Array(key.utf8)
        let sum = CRC32C.of(text[...], after: CRC32C.of(bytes[...]))
        bytes.append(little: UInt64(sum))
        return bytes + text
    }

    enum Refusal: Error, Equatable {
        /// The file does not begin as a journal does.
        case foreign
        /// It was written by another version of the library.
        case version(UInt32)
        /// Its header is not whole.
        case torn
    }

    /// Reads the header at the beginning of `bytes`.
    init(_ bytes: [UInt8]) throws(Refusal) {
        guard bytes.count >= Self.magic.count, bytes.starts(with: Self.magic) else {
            throw Self.magic.starts(with: bytes) ? .torn : .foreign
        }
        guard bytes.count >= Self.fixedSize else { throw .torn }
        func number<T: FixedWidthInteger>(_ offset: Int, as type: T.Type) -> T {
            unsafe bytes.withUnsafeBytes {
                unsafe T(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: T.self))
            }
        }
        let version = number(16, as: UInt32.self)
        guard version == Self.version else { throw .version(version) }
        let typeSize = Int(number(20, as: UInt32.self))
        let keySize = Int(number(24, as: UInt32.self))
        let end = Self.fixedSize + typeSize + keySize
        guard typeSize <= Self.mostText, keySize <= Self.mostText, bytes.count >= end else { throw .torn }
        let sum = CRC32C.of(bytes[Self.fixedSize..<end], after: CRC32C.of(bytes[..<(Self.fixedSize - 8)]))
        guard number(Self.fixedSize - 8, as: UInt64.self) == UInt64(sum) else { throw .torn }
        let numbers = (4..<8).map { Int(clamping: number(8 * $0, as: UInt64.self)) }
        guard numbers[1] <= numbers[2], numbers[2] <= numbers[0] else { throw .torn }
        total = numbers[0]
        part = numbers[1]..<numbers[2]
        isCoded = number(28, as: UInt32.self) != 0
        self.stride = numbers[3]
        type = String(decoding: bytes[Self.fixedSize..<Self.fixedSize + typeSize], as: UTF8.self)
        key = String(decoding: bytes[(Self.fixedSize + typeSize)..<end], as: UTF8.self)
    }

    init(total: Int, part: Range<Int>, isCoded: Bool, stride: Int, type: String, key: String) {
        self.total = total
        self.part = part
        self.isCoded = isCoded
        self.stride = stride
        self.type = type
        self.key = key
    }

    /// How two jobs differ, in words; nil if they do not.
    func difference(from other: Self) -> String? {
        if total != other.total { return "has \(total) items and not \(other.total)" }
        if part != other.part {
            return "is of the items \(part.lowerBound)..<\(part.upperBound) and not of "
                + "\(other.part.lowerBound)..<\(other.part.upperBound)"
        }
        if key != other.key { return "has the key \"\(key)\" and not \"\(other.key)\"" }
        if type != other.type { return "has results of another type (\(type) and not \(other.type))" }
        if isCoded != other.isCoded { return "has results that are coded in another way" }
        if stride != other.stride { return "has results of \(stride) bytes and not of \(other.stride)" }
        return nil
    }
}

/// The checksum of journals.
enum CRC32C {
    @unsafe static func of(_ bytes: UnsafeRawBufferPointer, after sum: UInt32 = 0) -> UInt32 {
        unsafe bytes.isEmpty ? sum : cforkpool_crc32c(sum, bytes.baseAddress!, bytes.count)
    }

    static func of(_ bytes: ArraySlice<UInt8>, after sum: UInt32 = 0) -> UInt32 {
        unsafe bytes.withUnsafeBytes { unsafe of($0, after: sum) }
    }
}

extension [UInt8] {
    /// Appends the bytes of a number, the lowest first.
    mutating func append<T: FixedWidthInteger>(little number: T) {
        unsafe Swift.withUnsafeBytes(of: number.littleEndian) { unsafe append(contentsOf: $0) }
    }
}
