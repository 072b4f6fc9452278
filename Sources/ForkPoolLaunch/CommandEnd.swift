// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import ForkPool

/// How a program ended, and what it and the children that it reaped used.
package struct CommandEnd: Sendable {
    /// The exit status, if it exited.
    package let status: Int32?
    /// The signal that ended it, if one did.
    package let signal: Int32?
    /// Processor time in user code and in the kernel, in nanoseconds.
    package let userTime: Int
    package let systemTime: Int
    /// The peak of its memory, in bytes; it includes what this process had when it started the program.
    package let maxMemory: Int
    /// Page faults without and with a disk.
    package let minorFaults: Int
    package let majorFaults: Int
    /// How often it gave a processor up, and how often the kernel took one from it.
    package let voluntarySwitches: Int
    package let involuntarySwitches: Int

    /// Names a signal, as `SIGSEGV`.
    package static func name(ofSignal number: Int32) -> String { SystemError.name(ofSignal: number) }

    init(_ ending: cforkpool_ending, isKnown: Bool) {
        status = isKnown && ending.signal == 0 ? ending.status : nil
        signal = isKnown && ending.signal != 0 ? ending.signal : nil
        userTime = Int(ending.user_time)
        systemTime = Int(ending.system_time)
        maxMemory = Int(ending.max_memory)
        minorFaults = Int(ending.minor_faults)
        majorFaults = Int(ending.major_faults)
        voluntarySwitches = Int(ending.voluntary_switches)
        involuntarySwitches = Int(ending.involuntary_switches)
    }
}
