// SPDX-License-Identifier: Apache-2.0
internal import Glibc

extension SystemError {
    /// A line of the table of advice: the calls, the errnos, and what to do then.
    struct Advice {
        /// The calls; empty for all.
        let calls: [String]
        /// The errnos; empty for all.
        let codes: [Int32]
        let text: String
    }

    /// What to do about the refusal: the first line of the table that has the call and the errno.
    package var advice: String {
        let line = Self.advice.first { line in
            (line.calls.isEmpty || line.calls.contains(call)) && (line.codes.isEmpty || line.codes.contains(code))
        }
        return line?.text ?? "the manual page of \(call) says when the system refuses it with this errno"
    }

    /// Whether the system has no room for memory of this size, and may have room for less.
    var isForWantOfRoom: Bool {
        switch call {
        case "mmap": [ENOMEM, EAGAIN].contains(code)
        case "memfd_create": [ENOMEM, EFBIG].contains(code)
        default: false
        }
    }

    private static let forks = ["fork", "vfork", "clone"]
    private static let forbidden = [ENOSYS, EPERM, EACCES]
    private static let fewer = "or use fewer workers"

    /// The table, in which the lines of a call come before those of any call.
    static let advice: [Advice] = [
        // Processes and threads.
        Advice(calls: forks, codes: [EAGAIN], text: "raise the limit on processes (ulimit -u, pids.max) \(fewer)"),
        Advice(
            calls: forks, codes: [ENOMEM],
            text: "free memory, allow overcommit (vm.overcommit_memory) or start workers by exec; after "
                + "unshare(CLONE_NEWPID) fork once and map in the child, which must live as long as the workers"),
        Advice(
            calls: ["fork"], codes: [ECHILD],
            text: "the process that forks the workers was killed again and again; find out what kills it"),
        Advice(
            calls: ["fork"], codes: [ECANCELED],
            text: "a seccomp filter ended the thread that starts the workers; have the filter refuse calls instead"),
        Advice(
            calls: forks, codes: forbidden,
            text: "a seccomp filter, such as a container's, forbids it; allow fork, vfork, clone and clone3"),
        Advice(
            calls: ["pthread_create"], codes: [EAGAIN],
            text: "raise the limit on processes (ulimit -u, pids.max), or the one on address space (ulimit -v) or "
                + "locked memory (ulimit -l) if the stack of a thread does not fit"),
        Advice(
            calls: ["pthread_create"], codes: [EINVAL],
            text: "a process that called unshare(CLONE_NEWPID) can start no thread; map before that call or in a "
                + "child that was forked after it"),
        Advice(
            calls: ["pthread_create"], codes: forbidden,
            text: "a seccomp filter, such as a container's, forbids it; allow clone and clone3"),
        Advice(
            calls: ["execve"], codes: [ENOENT],
            text: "mount /proc: a worker starts this program again by /proc/self/exe"),
        Advice(
            calls: ["execve"], codes: [EACCES, EPERM],
            text: "let this user execute the file of this program, and mount its file system without noexec; or "
                + "start workers by fork"),
        Advice(
            calls: ["execve"], codes: [E2BIG, ENOMEM],
            text: "pass a smaller environment and fewer arguments to this program, raise the limit on stacks "
                + "(ulimit -s), or start workers by fork"),
        Advice(
            calls: ["execve"], codes: [EAGAIN],
            text: "raise the limit on processes (ulimit -u), which this process exceeded when it changed its user"),
        Advice(
            calls: ["execve"], codes: [ETXTBSY],
            text: "the file of this program is open for writing; replace it by a new file instead"),
        // Signals and ends.
        Advice(
            calls: ["pidfd_open", "pidfd_send_signal"], codes: [ENOSYS],
            text: "use Linux 5.4 or later; if this is one, a seccomp filter, such as a container's, forbids the "
                + "call: allow it"),
        Advice(
            calls: ["pidfd_open"], codes: [EPERM, EACCES],
            text: "a seccomp filter, such as a container's, forbids it; allow pidfd_open, pidfd_send_signal and "
                + "waitid"),
        Advice(
            calls: ["kill", "pidfd_send_signal"], codes: [EPERM, EACCES],
            text: "the worker runs as another user than this process, or a seccomp filter forbids the signal; "
                + "change the user before the pool is made, or end the pool before the change"),
        Advice(
            calls: ["waitid", "waitpid"], codes: [ECHILD],
            text: "this process ignores SIGCHLD or reaps every child; let it reap its own children alone"),
        Advice(
            calls: ["waitid"], codes: [EINVAL, ENOSYS, EPERM, EACCES],
            text: "use Linux 5.4 or later, and allow waitid in the seccomp filter if there is one"),
        Advice(
            calls: ["prctl"], codes: [EINVAL, ENOSYS, EPERM, EACCES],
            text: "allow prctl in the seccomp filter: a worker needs PR_SET_PDEATHSIG to end with this process"),
        Advice(
            calls: ["close_range"], codes: [EINVAL, ENOSYS, EPERM, EACCES],
            text: "use Linux 5.11 or later and allow close_range in the seccomp filter, or open files with "
                + "O_CLOEXEC: a worker by exec would keep the others"),
        // Memory.
        Advice(
            calls: ["mmap"], codes: [EAGAIN],
            text: "raise the limit on locked memory (ulimit -l): this process locks what it maps (mlockall)"),
        Advice(
            calls: ["mmap", "memfd_create"], codes: [ENOMEM],
            text: "raise the limit on address space (ulimit -v) or allow overcommit (vm.overcommit_memory), "
                + "\(fewer)"),
        Advice(
            calls: ["memfd_create", "ftruncate"], codes: [EFBIG],
            text: "raise the limit on the size of files (ulimit -f), \(fewer)"),
        Advice(
            calls: ["mmap", "memfd_create"], codes: [EPERM, EACCES],
            text: "a seccomp filter or a security module, such as a container's, forbids shared memory; allow mmap "
                + "and memfd_create"),
        // Limits of workers.
        Advice(
            calls: ["setrlimit"], codes: [ENOENT, EACCES, EIO],
            text: "mount /proc: Options.memoryLimit starts from the size in /proc/self/status"),
        Advice(
            calls: ["setrlimit"], codes: [EPERM],
            text: "allow setrlimit in the seccomp filter, or do without Options.memoryLimit"),
        Advice(
            calls: ["timer_settime"], codes: [EAGAIN],
            text: "raise the limit on pending signals (ulimit -i), or do without Options.cpuTimeLimit"),
        Advice(
            calls: ["timer_settime"], codes: [ENOSYS, EPERM, EACCES, EINVAL],
            text: "allow timer_create and timer_settime in the seccomp filter, or do without Options.cpuTimeLimit"),
        // What is read in /proc.
        Advice(
            calls: ["open", "openat", "stat"], codes: [ENOENT, ENOTDIR],
            text: "mount /proc, in which the library reads"),
        Advice(
            calls: ["open", "openat", "stat", "read", "pread"], codes: [EACCES, EPERM],
            text: "let this process read its own folder in /proc: a mount option such as hidepid, a security "
                + "module or a seccomp filter forbids it"),
        // Any call.
        Advice(calls: [], codes: [EMFILE], text: "raise the limit on open files (ulimit -n) \(fewer)"),
        Advice(calls: [], codes: [ENFILE], text: "raise the system's limit on open files (fs.file-max) \(fewer)"),
        Advice(calls: [], codes: [ENOMEM], text: "free memory \(fewer)"),
        Advice(
            calls: [], codes: [ENOSYS],
            text: "this kernel does not have the call, or a seccomp filter, such as a container's, forbids it"),
        Advice(
            calls: [], codes: [EPERM, EACCES],
            text: "a seccomp filter, such as a container's, or a missing right forbids it"),
    ]
}
