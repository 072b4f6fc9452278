// SPDX-License-Identifier: Apache-2.0
internal import CForkLaunch
internal import CForkPool
package import ForkPool
internal import Glibc

/// Ends the programs that this process started, with their groups, should this process end first, by SIGKILL included.
///
/// The guard is a process of its own, which sleeps until then. Processes that a program leaves behind become children of
/// this process, and their group keeps its slot until the last of them has ended.
@safe package final class CommandGuard {
    /// Where the guard reads the number of one group.
    @safe struct Slot {
        let pointer: UnsafeMutablePointer<Int32>
        /// The guard that owns the memory.
        let owner: CommandGuard

        /// Frees the slot; no process of the group is left.
        func free() {
            unsafe pointer.pointee = 0
        }
    }

    /// The limit on groups at once, those of ended programs included.
    private static let capacity = 1 << 16
    private let groups: UnsafeMutablePointer<Int32>
    private let size = CommandGuard.capacity * MemoryLayout<Int32>.stride
    let pid: Int32
    /// The groups that this process killed: their processes are about to end.
    var killed: Set<Int32> = []
    private var next = 0
    /// One past the last slot that was ever taken.
    private var end = 0
    /// Where the kernel lists the children of this thread, adopted ones included; negative where it does not.
    private let children: Int32

    /// Starts the guard (`fork`).
    ///
    /// - Throws: What the system refused.
    package init() throws(SystemError) {
        let parent = try SystemError.check("pidfd_open") { cforkpool_pidfd_open(getpid()) }
        defer { close(parent) }
        var error: Int32 = 0
        guard let memory = unsafe cforkpool_mmap_shared(size, &error) else {
            throw SystemError(call: "mmap", code: -error)
        }
        unsafe groups = memory.bindMemory(to: Int32.self, capacity: Self.capacity)
        let started = unsafe cforklaunch_guard_start(parent, groups, Int32(Self.capacity))
        guard started > 0 else {
            unsafe munmap(memory, size)
            throw SystemError(call: "fork", code: -started)
        }
        pid = started
        children = unsafe open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC)
    }

    /// Kills what is left in the groups, and ends the guard.
    deinit {
        for group in groupsLeft() { kill(-group, SIGKILL) }
        cforklaunch_guard_end(pid)
        unsafe munmap(groups, size)
        if children >= 0 { close(children) }
    }

    /// Takes a free slot, or that of a group that has no process any more.
    ///
    /// - Returns: The slot, or nil if 65 536 groups have processes left.
    /// - Complexity: O(1) while few programs leave processes behind.
    func takeSlot() -> Slot? {
        for _ in 0..<Self.capacity {
            next = (next + 1) % Self.capacity
            let group = unsafe groups[next]
            if group == 0 || !Self.hasProcesses(group) {
                end = max(end, next + 1)
                return unsafe Slot(pointer: groups + next, owner: self)
            }
        }
        return nil
    }

    /// The groups that have processes, zombies included.
    func groupsLeft() -> [Int32] {
        (0..<end).compactMap { slot in
            let group = unsafe groups[slot]
            return group > 0 && Self.hasProcesses(group) ? group : nil
        }
    }

    private static func hasProcesses(_ group: Int32) -> Bool { kill(-group, 0) == 0 || errno != ESRCH }

    /// Takes a reaped program off the list, unless its group has processes left.
    package func release(_ command: CommandProcess) {
        if !Self.hasProcesses(command.pid) || !cforklaunch_reap_group(command.pid) { command.slot?.free() }
    }

    /// Tells whether programs left no process behind that still runs.
    ///
    /// - Parameter commands: The programs that run.
    /// - Returns: Whether there is none; false where the kernel does not tell.
    package func hasNoStrays(beside commands: some Collection<CommandProcess>) -> Bool {
        strays(beside: commands)?.isEmpty ?? false
    }

    /// Finds the processes that programs left behind and that this process has adopted, whatever their group.
    ///
    /// - Parameter commands: The programs that run.
    /// - Returns: Their process ids, after the ended ones are reaped; nil where the kernel does not tell.
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
        // The usual case needs no search: the guard and the programs are all the children there are.
        let space = UInt8(ascii: " ")
        if list.count(where: { $0 == space }) == commands.count + 1 { return [] }
        let known = Set(commands.map(\.pid) + [pid])
        return list.split(separator: space).compactMap { Int32(String(decoding: $0, as: UTF8.self)) }
            .filter { !known.contains($0) && waitpid($0, nil, WNOHANG) == 0 }
    }
}
