/// Encodes one value after another into memory that the caller owns.
///
/// An instance keeps its tables and scratch objects between values, so a worker makes one and uses it for every result.
/// It is not for use by two threads at once.
final class BinaryEncoder {
    /// Reports that the memory is too small for the value; nothing was written beyond it.
    struct OutOfSpace: Error, Equatable {
        /// The size of the memory that did not suffice, in bytes.
        let capacity: Int
    }

    private let writer = MessageWriter()

    /// Makes an encoder that has no memory yet and allocates nothing.
    init() {}

    deinit {
        writer.dropSpares()
    }

    /// Encodes a value from the start of `memory` on.
    ///
    /// Only the bytes that are counted by the result are touched, except that a failed call may leave a part of a
    /// message behind.
    /// - Parameters:
    ///   - value: The value to encode.
    ///   - memory: Where the message goes; it needs no alignment.
    /// - Returns: The number of bytes written.
    /// - Throws: `OutOfSpace` when the memory is too small, `EncodingError` when the value asks for one place twice in
    ///   different ways, or whatever the value's own `encode(to:)` throws.
    /// - Complexity: O(*n*) in the size of the message.
    func encode<T: Encodable>(_ value: T, into memory: UnsafeMutableRawBufferPointer) throws -> Int {
        unsafe writer.start(memory)
        defer { writer.stop() }
        do {
            if try !writer.write(common: value, at: .init(container: 0, parent: 0, name: nil)) {
                let root = writer.makeNode(in: nil, step: .root, container: 0, parent: 0)
                try root.encode(value)
                writer.recycle(root)
            }
            try writer.finish()
        } catch {
            throw writer.failure ?? error
        }
        if let failure = writer.failure { throw failure }
        return writer.count
    }
}
