// SPDX-License-Identifier: Apache-2.0
/// Decodes what `BinaryEncoder` encoded.
struct BinaryDecoder {
    /// Decodes one value from the bytes of one message.
    ///
    /// It checks every offset, length and count before it uses it, so it never reads outside of `bytes`, which have any
    /// alignment and are not needed afterwards.
    ///
    /// - Throws: `DecodingError.dataCorrupted` if the bytes are not a message, another `DecodingError` if the message does
    ///   not hold a `T`, `StackGuard.Overflow` if the value is too deep for the stack, or an error of the value's own
    ///   `init(from:)`.
    /// - Complexity: O(*n*) in the number of bytes.
    static func decode<T: Decodable>(_ type: T.Type, from bytes: UnsafeRawBufferPointer) throws -> T {
        let message = unsafe try scanned(bytes)
        defer { message.close() }
        return try message.value(type, at: message.root, in: nil, step: .root)
    }

    /// Below this size, in bytes, a copy costs less than the check whether one is needed.
    private static let copyBelow = 4096
    /// From this size on, the bytes are checked before they are copied: a damaged length may be the size of all memory.
    private static let scanFrom = 64 << 10

    /// Decodes one value from memory that another process may write to meanwhile.
    ///
    /// The bytes that are used must be the bytes that were checked, so it copies the message first. An array of numbers, or
    /// `Data`, needs no copy: every bit pattern is valid, and each read is checked by itself.
    static func decode<T: Decodable>(_ type: T.Type, fromShared bytes: UnsafeRawBufferPointer) throws -> T {
        if bytes.count >= copyBelow, isArrayOfNumbers(type) { return unsafe try decode(type, from: bytes) }
        if bytes.count >= scanFrom { unsafe try scanned(bytes).close() }
        return try unsafe withUnsafeTemporaryAllocation(byteCount: bytes.count, alignment: 16) { copy in
            unsafe copy.copyMemory(from: bytes)
            return unsafe try decode(type, from: UnsafeRawBufferPointer(copy))
        }
    }

    private static func scanned(_ bytes: UnsafeRawBufferPointer) throws -> Message {
        let message = unsafe Message(bytes)
        do {
            try message.scan()
        } catch {
            message.close()
            throw DecodingError.dataCorrupted(
                .init(codingPath: [], debugDescription: "Not a message at byte \(error.offset): \(error.reason)")
            )
        }
        return message
    }

    private static func isArrayOfNumbers(_ type: Any.Type) -> Bool {
        guard case .packed(let kind) = DecodingRoute(decoding: type).plan else { return false }
        return kind != .opaque && kind != .bool8
    }
}
