// SPDX-License-Identifier: Apache-2.0
/// Proves that a worker waits for ever, because nothing is left that could wake it, and suspects that it spins for ever.
///
/// README.md beside this file says why the proof holds, what it cannot see, and what was measured.
enum DeadlockProof {
    /// Whether two samples of a process prove that it never continues by itself; false proves nothing.
    ///
    /// Any time may pass between the end of the first and the start of the second, or none; the process is not reaped.
    static func proves(_ first: ProcSample, _ second: ProcSample) -> Bool {
        // There was no context switch from start to end, and the process was off its processor at both calls, so it did
        // not run between them. In between, the end of the first sample showed one thread, and the start of the second
        // showed it asleep: not woken up to then.
        first.futex == second.futex && first.isHelpless && second.isHelpless
            && first.before.switches == second.after.switches
    }

    /// Whether a process is suspected to repeat a call that the kernel refuses.
    ///
    /// Between the two samples it did nothing but run, for half of the time or more in the kernel: it was alone, never gave
    /// its processor up, had no page fault, and read and wrote nothing. This proves nothing; it spares healthy processes
    /// from being stopped.
    static func suspectsSpin(_ first: ProcSample, _ second: ProcSample) -> Bool {
        guard first.isBusyAlone, second.isBusyAlone, first.before.pauses == second.after.pauses,
            first.work.faults == second.work.faults, let traffic = first.work.traffic, traffic == second.work.traffic
        else { return false }
        let user = second.work.user &- first.work.user
        let system = second.work.system &- first.work.system
        return system > 0 && system >= user
    }
}
