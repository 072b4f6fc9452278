internal import CForkPool
internal import Glibc

/// Owns one anonymous shared mapping and unmaps it in the end.
@safe struct Mapping: ~Copyable {
    let base: UnsafeMutableRawPointer
    /// The reserved size in bytes; pages are committed as they are touched.
    let size: Int

    /// Reserves `size` bytes of zeroed memory that forked children share (`mmap`).
    init(size: Int) throws(SystemError) {
        var error: Int32 = 0
        guard let base = unsafe cforkpool_mmap_shared(size, &error) else {
            throw SystemError(call: "mmap", code: -error)
        }
        unsafe self.base = base
        self.size = size
    }

    deinit {
        unsafe munmap(base, size)
    }

    /// Gives whole pages of a part back to the system; they read as zero afterwards (`MADV_REMOVE`).
    func discard(_ range: Range<Int>) {
        guard !range.isEmpty else { return }
        // A refusal costs memory, not results: there is nobody to tell.
        _ = unsafe cforkpool_madvise_remove(base + range.lowerBound, range.count)
    }

    /// The size of a page in bytes.
    static let pageSize = sysconf(Int32(_SC_PAGESIZE))

    /// Rounds up to whole pages.
    static func pages(_ bytes: Int) -> Int {
        (bytes + pageSize - 1) / pageSize * pageSize
    }
}
