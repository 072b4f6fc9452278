// SPDX-License-Identifier: Apache-2.0
/// Encodes one value after another into memory that the caller owns.
///
/// An instance keeps its scratch objects between values, so a worker uses one for all its results. Two threads must not use it
/// at once.
final class BinaryEncoder {
    /// The memory is too small for the value; nothing was written beyond it.
    struct OutOfSpace: Error, Equatable {
        let capacity: Int
    }

    private var writer = MessageWriter()

    deinit {
        writer.dropSpares()
    }

    /// Encodes a value into the start of `memory`, which has any alignment; returns the number of bytes written.
    ///
    /// A call that fails may leave a part of a message there.
    ///
    /// - Throws: `OutOfSpace` if the memory is too small, `StackGuard.Overflow` if the value is too deep for the stack,
    ///   `EncodingError` if the value asks for one place twice in different ways, or an error of the value's own
    ///   `encode(to:)`.
    /// - Complexity: O(*n*) in the size of the message.
    func encode<T: Encodable>(_ value: T, into memory: UnsafeMutableRawBufferPointer) throws -> Int {
        let writer = writer
        unsafe writer.start(memory)
        defer {
            // A value that kept an encoder keeps its writer: it must not write to the next message.
            if !writer.stop() {
                writer.dropSpares()
                self.writer = MessageWriter()
            }
        }
        do {
            if case .leaf(let put) = unsafe EncodingRoute.of(T.self).pointee {
                try unsafe withUnsafePointer(to: value) { try unsafe put($0, writer) }
            } else {
                let root = writer.makeEncoder(in: nil, step: .root)
                try root.encode(value)
                writer.recycle(root)
            }
            return try writer.finish()
        } catch {
            throw writer.failure ?? error
        }
    }
}
