/// Memory that the parent and its workers share; the last reference releases it.
@usableFromInline
@safe final class SharedMemory: @unchecked Sendable {
    private let mapping: Mapping
    @usableFromInline let base: UnsafeMutableRawPointer

    /// Makes zeroed shared memory.
    ///
    /// - Precondition: The system grants it, as with any other memory that a value needs.
    @usableFromInline
    init(size: Int) {
        do {
            mapping = try Mapping(size: Mapping.pages(max(size, 1)))
        } catch {
            preconditionFailure(
                "ForkPool: no shared memory of \(size) bytes: the system refused \(error.call): \(error.reason)")
        }
        unsafe base = mapping.base
    }
}
