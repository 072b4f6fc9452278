// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import ForkPool
internal import Glibc

extension CommandGuard {
    /// How long a process has to end after SIGTERM, and again after SIGKILL, in nanoseconds.
    package static let grace = 2_000_000_000

    /// Ends all programs and what they left behind: by SIGTERM, and after two seconds by SIGKILL.
    ///
    /// - Parameters:
    ///   - commands: The programs that run; they are not reaped.
    ///   - isInHurry: Asked after each signal that interrupts the wait: whether to kill at once.
    /// - Returns: How many processes there were besides the programs, without those of groups that were killed before.
    @discardableResult
    package func endAll(_ commands: [CommandProcess], isInHurry: () -> Bool = { false }) -> Int {
        var running = commands
        var adopted: Set<Int32> = []
        for signal in [SIGTERM, SIGKILL] {
            let deadline = monotonicNanoseconds() + Self.grace
            for command in running {
                command.kill(signal)
                // A stopped process takes the signal only when it continues.
                command.kill(SIGCONT)
            }
            // Each process gets SIGTERM once: a second one might cut short how it handles the first.
            var groups = Set(running.map(\.pid))
            var told: Set<Int32> = []
            while monotonicNanoseconds() < deadline, signal == SIGKILL || !isInHurry() {
                let strays = strays(beside: commands) ?? []
                for stray in strays where told.insert(stray).inserted {
                    if !killed.contains(getpgid(stray)) { adopted.insert(stray) }
                    if signal == SIGKILL || !groups.contains(getpgid(stray)) { kill(stray, signal) }
                    kill(stray, SIGCONT)
                }
                for group in groupsLeft() where signal == SIGKILL || groups.insert(group).inserted {
                    kill(-group, signal)
                }
                let watched = strays.map { cforkpool_pidfd_open($0) }
                defer { for fd in watched where fd >= 0 { close(fd) } }
                running = wait(for: running, and: watched, until: deadline)
                if running.isEmpty, strays.isEmpty { return adopted.count }
            }
        }
        return adopted.count
    }

    /// Waits until a program or a descriptor reports an end, or a signal arrives; returns the programs that still run.
    private func wait(for running: [CommandProcess], and others: [Int32], until deadline: Int) -> [CommandProcess] {
        var entries = (running.map(\.descriptor) + others).map {
            cforkpool_poll(fd: $0, events: Int16(POLLIN), revents: 0)
        }
        guard !entries.isEmpty else { return running }
        _ = unsafe cforkpool_ppoll(&entries, Int32(entries.count), Int64(max(0, deadline - monotonicNanoseconds())))
        return zip(running, entries).filter { $0.1.revents == 0 }.map(\.0)
    }
}
