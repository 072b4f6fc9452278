// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Glibc

/// A shared mapping that its owner holds and that is unmapped at the end.
@safe struct Mapping: ~Copyable, Sendable {
    nonisolated(unsafe) let base: UnsafeMutableRawPointer
    /// The reserved size in bytes; pages are committed as they are touched.
    let size: Int
    /// The descriptor by which a program that starts later maps the same memory, or nil.
    let descriptor: Int32?

    /// Reserves `size` bytes of zeroed memory that forked children share (`mmap`).
    init(size: Int) throws(SystemError) {
        var error: Int32 = 0
        guard let base = unsafe cforkpool_mmap_shared(size, &error) else {
            throw SystemError(call: "mmap", code: -error)
        }
        unsafe self.base = base
        self.size = size
        descriptor = nil
    }

    /// Reserves `size` bytes of zeroed memory that has a descriptor (`memfd_create`).
    init(namedSize size: Int) throws(SystemError) {
        let descriptor = try SystemError.check("memfd_create") { cforkpool_memfd(size) }
        do throws(SystemError) {
            unsafe base = try Self.map(descriptor, size)
        } catch {
            close(descriptor)
            throw error
        }
        self.size = size
        self.descriptor = descriptor
    }

    deinit {
        unsafe munmap(base, size)
        if let descriptor { close(descriptor) }
    }

    /// Maps memory that has a descriptor into this process.
    static func map(_ descriptor: Int32, _ size: Int) throws(SystemError) -> UnsafeMutableRawPointer {
        var error: Int32 = 0
        guard let base = unsafe cforkpool_mmap_memfd(descriptor, size, &error) else {
            throw SystemError(call: "mmap", code: -error)
        }
        return unsafe base
    }

    /// Gives whole pages of a part back to the system (`MADV_REMOVE`).
    ///
    /// A refusal, as of locked memory, costs memory and is no error.
    ///
    /// - Returns: Whether the pages read as zero now.
    @discardableResult
    func discard(_ range: Range<Int>) -> Bool {
        unsafe range.isEmpty || cforkpool_madvise_remove(base + range.lowerBound, range.count) == 0
    }

    /// The size of a page in bytes.
    static let pageSize = sysconf(Int32(_SC_PAGESIZE))

    /// Rounds up to whole pages.
    static func pages(_ bytes: Int) -> Int {
        (bytes + pageSize - 1) / pageSize * pageSize
    }
}
