// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Decodes what `BinaryEncoder` encoded, one message after another.
///
/// An instance keeps its scratch objects between messages. Two threads must not use it at once.
final class BinaryDecoder {
    private var message = Message()

    deinit {
        message.dropSpares()
    }

    /// Decodes one value from the bytes of one message, to which another process may write meanwhile.
    ///
    /// It checks every offset, length and count before it uses it, so it never reads outside of `bytes`, which have any
    /// alignment and are not needed afterwards.
    ///
    /// - Throws: `DecodingError.dataCorrupted` if the bytes are not a message, another `DecodingError` if the message does
    ///   not hold a `T`, `StackGuard.Overflow` if the value is too deep for the stack, or an error of the value's own
    ///   `init(from:)`.
    /// - Complexity: O(*n*) in the number of bytes.
    func decode<T: Decodable>(_ type: T.Type, from bytes: UnsafeRawBufferPointer) throws -> T {
        let reader = unsafe ByteReader(bytes)
        var memory = LeafMemory()
        if Self.fill(&memory, type, reader) { return memory.value(type) }
        guard let root = reader.position(at: 0) else { throw Self.corruption }
        guard reader.end(of: root) == bytes.count else { throw Self.corruption }
        let message = message
        unsafe message.open(bytes)
        defer {
            // A value that kept a decoder keeps its message: it must not read the next one.
            if !message.close() {
                message.dropSpares()
                self.message = Message()
            }
        }
        let decoder = try message.makeDecoder(root, in: nil, step: .root)
        let value = try decoder.decode(type)
        message.recycle(decoder)
        return value
    }

    /// A decoder that no thread uses.
    private nonisolated(unsafe) static let spare = unsafe Atomic<Unmanaged<BinaryDecoder>?>(nil)

    /// Decodes one value from the bytes of one message, with a decoder that is kept between values.
    ///
    /// A child of a process with threads finds the decoder, or none; no lock is taken.
    static func decode<T: Decodable>(_ type: T.Type, from bytes: UnsafeRawBufferPointer) throws -> T {
        var memory = LeafMemory()
        if unsafe fill(&memory, type, ByteReader(bytes)) { return memory.value(type) }
        let kept = unsafe spare.exchange(nil, ordering: .acquiringAndReleasing)
        let decoder = unsafe kept?.takeRetainedValue() ?? BinaryDecoder()
        defer {
            let other = unsafe spare.exchange(.passRetained(decoder), ordering: .acquiringAndReleasing)
            unsafe other?.release()
        }
        return unsafe try decoder.decode(type, from: bytes)
    }

    /// Reads a message that is one record of a type that needs no node; returns whether that is what it is.
    @inline(__always)
    private static func fill<T>(_ memory: inout LeafMemory, _ type: T.Type, _ reader: ByteReader) -> Bool {
        guard let take = unsafe DecodingRoute.of(type).pointee.take, let root = reader.position(at: 0) else {
            return false
        }
        let end = unsafe memory.fill { unsafe take(reader, root, $0) }
        if end > 0, end != reader.limit { _ = memory.value(type) }
        return end == reader.limit
    }

    /// What reads a message that is one record of a type to memory without a value, and returns false if it is none; nil for
    /// a type whose messages need a node, and so perhaps code that is not this library's.
    static func recordReader<T>(for type: T.Type) -> ((UnsafeRawBufferPointer, UnsafeMutablePointer<T>) -> Bool)? {
        guard let take = unsafe DecodingRoute.of(type).pointee.take else { return nil }
        return { bytes, memory in
            let reader = unsafe ByteReader(bytes)
            guard let root = reader.position(at: 0) else { return false }
            let end = unsafe take(reader, root, UnsafeMutableRawPointer(memory))
            if end > 0, end != reader.limit { unsafe memory.deinitialize(count: 1) }
            return end == reader.limit
        }
    }

    private static var corruption: DecodingError {
        .dataCorrupted(.init(codingPath: [], debugDescription: "The bytes are not a message."))
    }
}
