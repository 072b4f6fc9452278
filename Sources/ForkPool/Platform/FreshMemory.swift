// SPDX-License-Identifier: Apache-2.0
internal import CForkPool

/// Memory that was just allocated, and that nothing has written to yet.
enum FreshMemory {
    /// From here on one call for all pages costs less than a fault for each.
    private static let populateFrom = 256 << 10
    /// From here on the memory has whole huge pages, wherever it begins.
    private static let hugeFrom = 4 << 20

    /// Gives the whole pages of large memory to the process by one call, before a copy into it (`MADV_POPULATE_WRITE`).
    ///
    /// Where the allocator gave memory that the process has, that changes nothing.
    static func populate(_ memory: UnsafeMutableRawBufferPointer) {
        guard memory.count >= populateFrom else { return }
        let start = unsafe memory.baseAddress!.alignedUp(toMultipleOf: Mapping.pageSize)
        let size = unsafe (memory.baseAddress! + memory.count - start) / Mapping.pageSize * Mapping.pageSize
        // A refusal leaves the faults.
        if size >= hugeFrom {
            _ = unsafe cforkpool_madvise_fresh(start, size)
        } else {
            _ = unsafe cforkpool_madvise_populate(start, size)
        }
    }
}
