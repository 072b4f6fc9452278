// SPDX-License-Identifier: Apache-2.0
internal import CForkLaunch
internal import CForkPool
package import ForkPool
internal import Glibc

/// A program that runs beside this one, and ends with it.
///
/// Start it on the main thread: the kernel kills the program when the thread that started it ends.
package final class CommandProcess {
    /// The process id, which is also that of its group if it leads one.
    package let pid: Int32
    /// Readable when the program has ended (a pidfd); closed with this object.
    package let descriptor: Int32
    private let leadsGroup: Bool
    let slot: CommandGuard.Slot?
    private var reaped = false

    /// Starts a program (`clone` with `CLONE_VFORK`, `execve`).
    ///
    /// A script without a `#!` line runs by `/bin/sh`, as shells do it.
    ///
    /// - Parameters:
    ///   - path: The program's file; PATH is not searched.
    ///   - arguments: Its arguments, its own name first; none contains a zero byte.
    ///   - environment: Its environment, as `NAME=value`; nil for this process's.
    ///   - input: The descriptor that becomes its standard input.
    ///   - output: The descriptor that becomes its standard output.
    ///   - errors: The descriptor that becomes its standard error.
    ///   - leadsGroup: Whether it leads a new process group, which `kill` then signals as a whole.
    ///   - guarded: The guard that ends its group should this process end first.
    /// - Throws: The refusal, that of `execve` included; nothing runs then.
    package init(
        path: [UInt8], arguments: [[UInt8]], environment: [[UInt8]]? = nil, input: Int32, output: Int32, errors: Int32,
        leadsGroup: Bool = true, guarded: CommandGuard? = nil
    ) throws(SystemError) {
        let variables = environment.map { CStrings($0) }
        let slot = guarded?.takeSlot()
        func start(_ path: [UInt8], _ arguments: [[UInt8]]) throws(SystemError) -> (pid: Int32, pidfd: Int32) {
            let words = CStrings(CollectionOfOne(path) + arguments)
            var program = unsafe cforklaunch_program(
                path: words.pointers[0]!, arguments: words.pointers + 1, environment: variables?.pointers ?? environ,
                input: input, output: output, errors: errors, leads_group: leadsGroup, group: slot?.pointer, pidfd: -1,
                failed_call: nil)
            let pid = unsafe cforklaunch_execve(&program)
            extendLifetime(words)
            extendLifetime(variables)
            if pid > 0 { return unsafe (pid, program.pidfd) }
            let call = unsafe program.failed_call.map { unsafe String(cString: $0) } ?? "clone"
            throw SystemError(call: call, code: -pid)
        }
        func startOrInterpret() throws(SystemError) -> (pid: Int32, pidfd: Int32) {
            do throws(SystemError) { return try start(path, arguments) } catch {
                guard error.code == ENOEXEC else { throw error }
                return try start(Array("/bin/sh".utf8), [Array("sh".utf8), path] + arguments.dropFirst())
            }
        }
        do throws(SystemError) { (pid, descriptor) = try startOrInterpret() } catch {
            slot?.free()
            throw error
        }
        self.leadsGroup = leadsGroup
        self.slot = slot
        guarded?.killed.remove(pid)
    }

    /// Starts a program, as above, whose words are text.
    package convenience init(
        path: String, arguments: [String], environment: [String]? = nil, input: Int32, output: Int32, errors: Int32,
        leadsGroup: Bool = true
    ) throws(SystemError) {
        try self.init(
            path: Array(path.utf8), arguments: arguments.map { Array($0.utf8) },
            environment: environment.map { $0.map { Array($0.utf8) } }, input: input, output: output, errors: errors,
            leadsGroup: leadsGroup)
    }

    deinit {
        // One that the system does not let this process end is left to itself.
        if !reaped, kill(SIGKILL) == nil {
            _ = reap()
            slot?.free()
        }
        close(descriptor)
    }

    /// Sends a signal to the program, and to its group if it leads one.
    ///
    /// - Returns: The refusal, if the system refuses it for a program that has not ended, such as one of another user.
    @discardableResult
    package func kill(_ signal: Int32) -> SystemError? {
        // The kernel does not reuse the group's number before the program is reaped.
        if leadsGroup, !reaped {
            if signal == SIGKILL { slot?.owner.killed.insert(pid) }
            if Glibc.kill(-pid, signal) == 0 { return nil }
        }
        if cforkpool_pidfd_send_signal(descriptor, signal) == 0 || reaped { return nil }
        // Where the system refuses the call: the id is this program's until it is reaped.
        let error = cforkpool_kill(pid, signal)
        return error == 0 || error == -ESRCH ? nil : SystemError(call: "kill", code: -error)
    }

    /// Leaves the program to itself: nothing waits for its end any more.
    package func abandon() {
        reaped = true
    }

    /// Kills the rest of the program's group; call this right after the program is reaped.
    package func killGroup() {
        guard leadsGroup else { return }
        slot?.owner.killed.insert(pid)
        Glibc.kill(-pid, SIGKILL)
    }

    /// Waits for the program's end (`waitid`) and tells how it ended and what it used; call this once.
    package func reap() -> CommandEnd {
        reaped = true
        var ending = cforkpool_ending()
        let result = unsafe cforkpool_reap(pid, descriptor, &ending)
        return CommandEnd(ending, isKnown: result == 0)
    }
}

/// Strings in the form of C: an array of pointers, NULL at its end.
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
