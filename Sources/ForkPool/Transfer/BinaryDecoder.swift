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
        let message = unsafe Message(bytes)
        defer { message.close() }
        do {
            try message.scan()
        } catch {
            throw DecodingError.dataCorrupted(
                .init(codingPath: [], debugDescription: "Not a message at byte \(error.offset): \(error.reason)")
            )
        }
        return try message.value(type, at: message.root, in: nil, step: .root)
    }
}
