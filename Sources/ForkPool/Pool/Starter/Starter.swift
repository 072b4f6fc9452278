// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Glibc

/// A process, or a refusal, for each slot.
typealias Started = [(slot: Int, process: Result<ProcessHandle, SystemError>)]

/// Starts and ends the processes of a pool.
protocol Starter: AnyObject {
    /// Starts what this process forks or executes by itself.
    var forker: Forker { get }

    /// Begins to start a process in each of these slots; `started` has them then or later.
    func begin(_ slots: [Int])

    /// Returns what was started or refused since it was last asked; can wait until everything that was begun is there.
    func started(waiting: Bool) -> Started

    /// Whether a start goes on after `begin` has returned; a notice tells its end.
    var isStarting: Bool { get }

    /// Waits for the end of a process, which is certain, and returns how it was.
    func reap(_ process: ProcessHandle, in slot: Int) -> ProcessExit

    /// How long a pool's first workers have before a spare starts, in nanoseconds: about the time that a start takes.
    var spareDelay: Int { get }

    /// Whether its processes have one thread at first, so that a wait for another thread never ends.
    var startsAlone: Bool { get }

    /// Starts no further process with the memory of the one in a slot, which is in a deadlock; returns false if another one
    /// with the same memory was found before.
    func retireMemory(of slot: Int) -> Bool

    /// Descriptors that are readable when the supervisor is to call `watchedIsReadable`.
    var watched: [Int32] { get }

    func watchedIsReadable()

    /// Ends what stands beside the processes, none of which is left, until the next start.
    func rest()

    /// Opens again what the program closed, by the numbers of the descriptors.
    func reopen(_ closed: Set<Int32>)

    func close()
}

extension Starter {
    var isStarting: Bool { false }
    var spareDelay: Int { 1_000_000 }
    func reap(_ process: ProcessHandle, in slot: Int) -> ProcessExit { forker.reap(process) }
    func retireMemory(of slot: Int) -> Bool { true }
    var watched: [Int32] { [] }
    func watchedIsReadable() {}
    func rest() {}
    func reopen(_ closed: Set<Int32>) {}
    func close() {}
}
