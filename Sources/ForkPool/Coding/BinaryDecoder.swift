/// Decodes what `BinaryEncoder` encoded.
struct BinaryDecoder {
    /// Decodes one value from the bytes of one message.
    ///
    /// Every offset, length and count is checked before it is used, so no bytes can make this read outside of `bytes`.
    /// - Parameters:
    ///   - type: The type of the value.
    ///   - bytes: The whole message and nothing else; it needs no alignment and is not needed afterwards.
    /// - Returns: The value.
    /// - Throws: `DecodingError.dataCorrupted` when the bytes are no message, another `DecodingError` when they are one
    ///   that does not hold a `T`, or whatever the value's own `init(from:)` throws.
    /// - Complexity: O(*n*) in the number of bytes.
    static func decode<T: Decodable>(_ type: T.Type, from bytes: UnsafeRawBufferPointer) throws -> T {
        let message = unsafe try scanned(bytes)
        defer { message.close() }
        return try message.value(type, at: message.root, in: nil, step: .root)
    }

    /// Below this many bytes a copy costs less than to find out that none is needed.
    private static let copyBelow = 4096
    /// From so many bytes on they are looked at before they are copied: a damaged length may be that of all memory.
    private static let scanFrom = 64 << 10

    /// Decodes one value from memory that another process may write to meanwhile.
    ///
    /// What was checked must be what is used: so the message is copied first, unless it is to be an array of numbers, of
    /// which every bit pattern is right and each read is checked by itself.
    static func decode<T: Decodable>(_ type: T.Type, fromShared bytes: UnsafeRawBufferPointer) throws -> T {
        if bytes.count >= copyBelow, isArrayOfNumbers(type) { return unsafe try decode(type, from: bytes) }
        if bytes.count >= scanFrom { unsafe try check(bytes) }
        return try unsafe withUnsafeTemporaryAllocation(byteCount: bytes.count, alignment: 16) { copy in
            unsafe copy.copyMemory(from: bytes)
            return unsafe try decode(type, from: UnsafeRawBufferPointer(copy))
        }
    }

    /// Throws if bytes are no message.
    private static func check(_ bytes: UnsafeRawBufferPointer) throws {
        unsafe try scanned(bytes).close()
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
        guard case .packed(let kind)? = (type as? any DirectlyDecodable.Type)?.decodingPlan else { return false }
        return kind != .opaque && kind != .bool8
    }
}
