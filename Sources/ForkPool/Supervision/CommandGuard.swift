internal import CForkPool
internal import Glibc

/// Ends the groups of the programs that this process started, should it end before them, by SIGKILL included.
///
/// A process of its own, which sleeps until then. What a program leaves behind in its group becomes a child of this
/// process, and keeps its place in the list until it has ended.
@safe package final class CommandGuard {
    /// Where the number of a group stands that is to be ended.
    @safe struct Place {
        let pointer: UnsafeMutablePointer<Int32>
        /// Whose memory it is in.
        let owner: CommandGuard

        /// Frees the place: nobody of the group is left.
        func giveBack() {
            unsafe pointer.pointee = 0
        }
    }

    /// How many groups there can be at once, left ones included.
    private static let capacity = 1 << 16
    private let groups: UnsafeMutablePointer<Int32>
    private let size = CommandGuard.capacity * MemoryLayout<Int32>.stride
    let pid: Int32
    /// The groups that were killed: whoever is still in one is about to end.
    var killed: Set<Int32> = []
    private var next = 0
    /// Behind the last place that was ever taken.
    private var end = 0
    /// Where the kernel lists the children of this thread, those that it adopted included; negative where it does not.
    private let children = unsafe open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC)

    /// Starts the guard (`fork`).
    ///
    /// - Throws: What the system refused.
    package init() throws(CommandRefusal) {
        var error: Int32 = 0
        guard let memory = unsafe cforkpool_mmap_shared(size, &error) else {
            throw CommandRefusal(SystemError(call: "mmap", code: -error))
        }
        unsafe groups = memory.bindMemory(to: Int32.self, capacity: Self.capacity)
        let started = unsafe cforkpool_guard_start(groups, Int32(Self.capacity))
        guard started > 0 else {
            unsafe munmap(memory, size)
            throw CommandRefusal(SystemError(call: "fork", code: -started))
        }
        pid = started
    }

    /// Ends the guard, and with SIGKILL whoever is left in a group.
    deinit {
        for group in left() { kill(-group, SIGKILL) }
        cforkpool_guard_end(pid)
        unsafe munmap(groups, size)
        if children >= 0 { close(children) }
    }

    /// Takes a place that is free, or that of a group of which nobody is left.
    ///
    /// - Returns: The place, or nil if 65 536 groups have somebody left.
    /// - Complexity: O(1) while few programs leave anybody behind.
    func takePlace() -> Place? {
        for _ in 0..<Self.capacity {
            next = (next + 1) % Self.capacity
            let group = unsafe groups[next]
            if group == 0 || !Self.hasAnybody(group) {
                end = max(end, next + 1)
                return unsafe Place(pointer: groups + next, owner: self)
            }
        }
        return nil
    }

    /// The groups that have somebody, be it a zombie.
    func left() -> [Int32] {
        (0..<end).compactMap { place in
            let group = unsafe groups[place]
            return group > 0 && Self.hasAnybody(group) ? group : nil
        }
    }

    private static func hasAnybody(_ group: Int32) -> Bool { kill(-group, 0) == 0 || errno != ESRCH }

    /// Takes a program that was reaped off the list, unless somebody is left in its group.
    package func release(_ command: CommandProcess) {
        if !Self.hasAnybody(command.pid) || cforkpool_reap_group(command.pid) == 0 { command.place?.giveBack() }
    }

    /// Asks whether programs have left nobody behind who has not ended.
    ///
    /// - Parameter commands: The programs that run.
    /// - Returns: Whether there is nobody; false where the kernel does not tell.
    package func hasNoStrays(beside commands: some Collection<CommandProcess>) -> Bool {
        strays(beside: commands)?.isEmpty ?? false
    }

    /// The processes that programs left behind and that this process has adopted, whatever their group.
    ///
    /// - Parameter commands: The programs that run.
    /// - Returns: The process ids, those of ended ones apart, which are reaped; nil where the kernel does not tell.
    func strays(beside commands: some Collection<CommandProcess>) -> [Int32]? {
        guard children >= 0 else { return nil }
        var list: [UInt8] = []
        var isWhole = false
        while !isWhole {
            list = unsafe [UInt8](unsafeUninitializedCapacity: list.count + 4096) { bytes, count in
                count = unsafe max(0, pread(children, bytes.baseAddress, bytes.count, 0))
                isWhole = count < bytes.count
            }
        }
        // The usual case, without a search: the guard, and who runs.
        let space = UInt8(ascii: " ")
        if list.count(where: { $0 == space }) == commands.count + 1 { return [] }
        let known = Set(commands.map(\.pid) + [pid])
        return list.split(separator: space).compactMap { Int32(String(decoding: $0, as: UTF8.self)) }
            .filter { !known.contains($0) && waitpid($0, nil, WNOHANG) == 0 }
    }
}
