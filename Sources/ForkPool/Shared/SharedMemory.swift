// SPDX-License-Identifier: Apache-2.0
/// A mapping that the parent and its workers share, unmapped with its last reference.
@usableFromInline
@safe final class SharedMemory: @unchecked Sendable {
    private let mapping: Mapping
    @usableFromInline let base: UnsafeMutableRawPointer

    /// Makes zeroed shared memory.
    ///
    /// - Precondition: The system grants the memory.
    @usableFromInline
    init(size: Int) {
        do {
            mapping = try Mapping(size: Mapping.pages(max(size, 1)))
        } catch {
            trap(
                "no shared memory of \(size) bytes: \(error); \(error.advice)")
        }
        unsafe base = mapping.base
    }
}
