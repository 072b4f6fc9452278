internal import CForkPool
internal import Glibc

/// A program that is started beside this one, and ends with it.
///
/// Started from the main thread: the program is killed when the thread that started it ends.
package final class CommandProcess {
    /// The process id, which is also that of its group if it leads one.
    package let pid: Int32
    /// Readable when the program has ended (a pidfd); closed when this is dropped.
    package let descriptor: Int32
    private let leadsGroup: Bool
    let place: CommandGuard.Place?
    private var reaped = false

    /// Starts a program (`clone` with `CLONE_VFORK`, `execve`).
    ///
    /// - Parameters:
    ///   - path: The program's file; it is not searched for.
    ///   - arguments: Its arguments, its own name first; none holds a zero byte.
    ///   - environment: Its environment, as `NAME=value`; nil for this process's.
    ///   - input: What is to be its standard input.
    ///   - output: What is to be its standard output.
    ///   - errors: What is to be its standard error.
    ///   - leadsGroup: Whether it is the first of a process group, which `kill` then ends.
    ///   - guarded: Who ends its group should this process end before.
    /// - Throws: The refusal, that of `execve` included; nothing runs then.
    package init(
        path: [UInt8], arguments: [[UInt8]], environment: [[UInt8]]? = nil, input: Int32, output: Int32, errors: Int32,
        leadsGroup: Bool = true, guarded: CommandGuard? = nil
    ) throws(CommandRefusal) {
        let words = CStrings(CollectionOfOne(path) + arguments)
        let variables = environment.map { CStrings($0) }
        let place = guarded?.takePlace()
        var command = unsafe cforkpool_command(
            path: words.pointers[0]!, arguments: words.pointers + 1, environment: variables?.pointers ?? environ,
            input: input, output: output, errors: errors, leads_group: leadsGroup, group: place?.pointer)
        let start = unsafe withUnsafeMutablePointer(to: &command) { command in
            var start = unsafe cforkpool_start(
                entry: { _, _ in 0 }, context: UnsafeMutableRawPointer(command), worker: 0, crash: nil,
                keeps_signals_blocked: false, pid: 0, pidfd: -1, failed_call: nil)
            unsafe cforkpool_command_start(&start)
            return unsafe start
        }
        extendLifetime(words)
        extendLifetime(variables)
        guard unsafe start.pid > 0 else {
            place?.giveBack()
            let call = unsafe start.failed_call.map { unsafe String(cString: $0) } ?? "clone"
            throw unsafe CommandRefusal(SystemError(call: call, code: -start.pid))
        }
        pid = unsafe start.pid
        descriptor = unsafe start.pidfd
        self.leadsGroup = leadsGroup
        self.place = place
        guarded?.killed.remove(pid)
    }

    /// Starts a program, as above, of whose words each is text.
    package convenience init(
        path: String, arguments: [String], environment: [String]? = nil, input: Int32, output: Int32, errors: Int32,
        leadsGroup: Bool = true
    ) throws(CommandRefusal) {
        try self.init(
            path: Array(path.utf8), arguments: arguments.map { Array($0.utf8) },
            environment: environment.map { $0.map { Array($0.utf8) } }, input: input, output: output, errors: errors,
            leadsGroup: leadsGroup)
    }

    deinit {
        if !reaped {
            kill(SIGKILL)
            _ = reap()
            place?.giveBack()
        }
        close(descriptor)
    }

    /// Sends a signal to the program, and to its group if it leads one.
    package func kill(_ signal: Int32) {
        // The group's number is not given out anew while the program was not reaped.
        if leadsGroup, !reaped {
            if signal == SIGKILL { place?.owner.killed.insert(pid) }
            if Glibc.kill(-pid, signal) == 0 { return }
        }
        _ = cforkpool_pidfd_send_signal(descriptor, signal)
    }

    /// Kills whoever is left in the program's group; to be called right after it was reaped.
    package func killGroup() {
        guard leadsGroup else { return }
        place?.owner.killed.insert(pid)
        Glibc.kill(-pid, SIGKILL)
    }

    /// Waits for the program's end (`waitid`) and tells how it was and what it used; to be called once.
    package func reap() -> CommandEnd {
        reaped = true
        var ending = cforkpool_ending()
        let result = unsafe cforkpool_waitid(descriptor, &ending)
        return CommandEnd(ending, isKnown: result == 0)
    }
}

/// How a program ended, and what it and the children that it reaped used.
package struct CommandEnd: Sendable {
    /// The exit status, if it exited.
    package let status: Int32?
    /// The signal that ended it, if one did.
    package let signal: Int32?
    /// Processor time of its own and of the system for it, in nanoseconds.
    package let userTime: Int
    package let systemTime: Int
    /// The most memory that it had at once, in bytes; what this process had when it started it counts, too.
    package let maxMemory: Int
    /// Page faults without and with a disk.
    package let minorFaults: Int
    package let majorFaults: Int
    /// How often it gave a processor up, and how often one was taken from it.
    package let voluntarySwitches: Int
    package let involuntarySwitches: Int

    /// The name of a signal, as `SIGSEGV`.
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

/// Why a program could not be started.
package struct CommandRefusal: Error, CustomStringConvertible {
    /// The system call that was refused.
    package let call: String
    /// The errno.
    package let code: Int32
    package let description: String

    init(_ error: SystemError) {
        call = error.call
        code = error.code
        description = error.description
    }
}

/// Strings as C wants them: an array of pointers that NULL ends.
@safe private final class CStrings {
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let bytes: UnsafeMutablePointer<CChar>

    init(_ strings: some Collection<[UInt8]>) {
        unsafe pointers = .allocate(capacity: strings.count + 1)
        unsafe bytes = .allocate(capacity: strings.reduce(0) { $0 + $1.count + 1 })
        var end = unsafe bytes
        for (number, string) in strings.enumerated() {
            unsafe pointers[number] = end
            for byte in string {
                unsafe end.pointee = CChar(bitPattern: byte)
                unsafe end += 1
            }
            unsafe end.pointee = 0
            unsafe end += 1
        }
        unsafe pointers[strings.count] = nil
    }

    deinit {
        unsafe bytes.deallocate()
        unsafe pointers.deallocate()
    }
}
