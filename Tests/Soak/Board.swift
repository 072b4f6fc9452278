// SPDX-License-Identifier: Apache-2.0
import ForkPool
import Glibc
import Synchronization

/// Memory that all workers of a round share, by fork or exec: the process on an item, and the beginnings of each item.
@safe final class Board: @unchecked Sendable {
    /// The board of the round that runs.
    @safe nonisolated(unsafe) static var current: Board?

    static let slots = 64
    private static let headSize = 4096

    /// The path by which a process that shares nothing else opens the board.
    let path: String
    private let base: UnsafeMutableRawPointer
    private let file: Int32
    private let size: Int

    /// Makes a board for `items` items, without a name that could be left.
    init(items: Int) {
        var name = Array("/tmp/forkpool-soak-XXXXXX".utf8CString)
        file = unsafe mkstemp(&name)
        expect(file >= 0, "no file: errno \(errno)")
        _ = fcntl(file, F_SETFD, FD_CLOEXEC)
        _ = unsafe unlink(name)
        size = Self.headSize + items
        expect(ftruncate(file, size) == 0, "no memory: errno \(errno)")
        path = "/proc/\(getpid())/fd/\(file)"
        unsafe base = Self.map(file, size)
    }

    /// Finds the board of another process.
    init(at path: String) {
        let opened = unsafe open(path, O_RDWR | O_CLOEXEC)
        var status = stat()
        expect(unsafe fstat(opened, &status) == 0, "no board at \(path): errno \(errno)")
        self.path = path
        file = opened
        size = Int(status.st_size)
        unsafe base = Self.map(opened, size)
    }

    deinit {
        unsafe munmap(base, size)
        close(file)
    }

    private static func map(_ file: Int32, _ size: Int) -> UnsafeMutableRawPointer {
        let memory = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
        expect(unsafe memory != MAP_FAILED, "no memory: errno \(errno)")
        return unsafe memory!
    }

    /// The word of a slot: the last process that began an item as worker `number`, or 0 once it is taken.
    private func word(_ number: Int) -> UnsafeMutablePointer<Atomic<Int32>> {
        unsafe (base + 4 * number).assumingMemoryBound(to: Atomic<Int32>.self)
    }

    private var begun: UnsafeMutableBufferPointer<UInt8> {
        unsafe UnsafeMutableBufferPointer(
            start: (base + Self.headSize).assumingMemoryBound(to: UInt8.self), count: size - Self.headSize)
    }

    /// Says in a worker that it begins an item.
    func begin(_ item: Int) {
        guard let worker = ForkPool.worker else { violation("an item is run outside of a worker") }
        unsafe word(worker.index % Self.slots).pointee.store(worker.pid, ordering: .relaxed)
        // A worker may be killed before this line, so the attempts may exceed the count.
        guard item < size - Self.headSize else { return }
        unsafe begun[item] &+= 1
        if unsafe worker.attempt < begun[item] { unsafe word(Self.slots).pointee.store(1, ordering: .relaxed) }
    }

    /// Takes a worker that began an item since its slot was last taken; looks from slot `start` on.
    func take(from start: Int, _ workers: Int) -> Int32? {
        for offset in 0..<workers {
            let pid = unsafe word((start + offset) % workers).pointee.exchange(0, ordering: .relaxed)
            if pid > 0 { return pid }
        }
        return nil
    }

    /// Whether an item was begun more often than its number of attempts.
    var isInconsistent: Bool { unsafe word(Self.slots).pointee.load(ordering: .relaxed) != 0 }

    /// How often each item was begun.
    var counts: [Int] { unsafe begun.map { Int($0) } }

    func clear() {
        unsafe memset(base, 0, size)
    }
}
