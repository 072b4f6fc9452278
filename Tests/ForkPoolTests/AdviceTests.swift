// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import ForkPool

@Suite("The advice about a refused call")
struct AdviceTests {
    /// What the advice says for a call and an errno: a text that is in it.
    private static let expected: [(call: String, code: Int32, text: String)] = [
        ("fork", EAGAIN, "ulimit -u, pids.max"), ("vfork", EAGAIN, "ulimit -u, pids.max"),
        ("clone", EAGAIN, "ulimit -u, pids.max"), ("fork", ENOMEM, "vm.overcommit_memory"),
        ("fork", ENOMEM, "unshare(CLONE_NEWPID)"), ("vfork", ENOMEM, "by exec"), ("clone", ENOMEM, "free memory"),
        ("fork", ECHILD, "killed again and again"), ("fork", ECANCELED, "refuse calls"), ("fork", EPERM, "seccomp"),
        ("vfork", ENOSYS, "vfork"),
        ("clone", EPERM, "clone3"), ("fork", EACCES, "seccomp"),
        ("pthread_create", EAGAIN, "ulimit -u, pids.max"), ("pthread_create", EAGAIN, "ulimit -v"),
        ("pthread_create", EAGAIN, "ulimit -l"), ("pthread_create", EINVAL, "unshare(CLONE_NEWPID)"),
        ("pthread_create", EPERM, "clone3"), ("pthread_create", ENOSYS, "clone3"),
        ("execve", ENOENT, "mount /proc"), ("execve", EACCES, "noexec"), ("execve", EPERM, "by fork"),
        ("execve", E2BIG, "environment"), ("execve", ENOMEM, "ulimit -s"), ("execve", EAGAIN, "ulimit -u"),
        ("execve", ETXTBSY, "open for writing"), ("execve", EMFILE, "ulimit -n"),
        ("pidfd_open", ENOSYS, "Linux 5.4"), ("pidfd_open", EPERM, "seccomp"), ("pidfd_open", EACCES, "waitid"),
        ("pidfd_open", EMFILE, "ulimit -n"), ("pidfd_open", ENFILE, "fs.file-max"),
        ("pidfd_open", ENOMEM, "free memory"), ("pidfd_send_signal", ENOSYS, "Linux 5.4"),
        ("pidfd_send_signal", EPERM, "another user"), ("kill", EPERM, "another user"), ("kill", EACCES, "seccomp"),
        ("waitid", ECHILD, "SIGCHLD"), ("waitpid", ECHILD, "SIGCHLD"), ("waitid", EINVAL, "Linux 5.4"),
        ("waitid", EPERM, "seccomp"), ("waitid", ENOSYS, "seccomp"), ("prctl", EPERM, "PR_SET_PDEATHSIG"),
        ("prctl", EINVAL, "prctl"), ("close_range", ENOSYS, "Linux 5.11"), ("close_range", EPERM, "O_CLOEXEC"),
        ("close_range", EINVAL, "Linux 5.11"),
        ("mmap", ENOMEM, "ulimit -v"), ("mmap", ENOMEM, "vm.overcommit_memory"), ("mmap", EAGAIN, "ulimit -l"),
        ("mmap", EPERM, "mmap"), ("memfd_create", ENOMEM, "ulimit -v"), ("memfd_create", EFBIG, "ulimit -f"),
        ("memfd_create", EMFILE, "ulimit -n"), ("memfd_create", EPERM, "memfd_create"),
        ("memfd_create", ENOSYS, "does not have the call"), ("ftruncate", EFBIG, "ulimit -f"),
        ("setrlimit", ENOENT, "mount /proc"), ("setrlimit", EACCES, "mount /proc"),
        ("setrlimit", EPERM, "Options.memoryLimit"), ("timer_settime", EAGAIN, "ulimit -i"),
        ("timer_settime", EPERM, "Options.cpuTimeLimit"), ("timer_settime", EINVAL, "timer_create"),
        ("open", ENOENT, "mount /proc"), ("openat", ENOENT, "mount /proc"), ("stat", ENOENT, "mount /proc"),
        ("openat", EACCES, "hidepid"), ("read", EPERM, "its own folder"), ("pread", EACCES, "its own folder"),
        ("openat", EMFILE, "ulimit -n"), ("eventfd", EMFILE, "ulimit -n"), ("eventfd", ENFILE, "fs.file-max"),
        ("eventfd", ENOMEM, "free memory"), ("eventfd", ENOSYS, "does not have the call"),
        ("eventfd", EPERM, "seccomp"), ("fcntl", EMFILE, "ulimit -n"), ("fcntl", EBADF, "the manual page of fcntl"),
        ("fork", EIO, "the manual page of fork"), ("mmap", EINVAL, "the manual page of mmap"),
    ]

    @Test("follows the call and the errno")
    func follows() {
        for (call, code, text) in Self.expected {
            let advice = SystemError(call: call, code: code).advice
            #expect(advice.contains(text), "\(call), errno \(code): \(advice)")
            let failure = ForkPool.Failure(refused: SystemError(call: call, code: code), index: nil)
            #expect(failure.description.contains("the system refused \(call): "))
            #expect(failure.description.hasSuffix("; \(advice)") && failure.errno == code)
        }
    }

    @Test("has no line that another one hides, and each line is expected above")
    func everyLine() {
        for line in SystemError.advice {
            let calls = line.calls.isEmpty ? ["eventfd"] : line.calls
            for call in calls {
                for code in line.codes {
                    #expect(SystemError(call: call, code: code).advice == line.text, "\(call), errno \(code)")
                }
            }
            let isExpected = Self.expected.contains { SystemError(call: $0.call, code: $0.code).advice == line.text }
            #expect(isExpected, "\(line.text)")
        }
    }

    @Test("is that of ulimit -u for nothing but processes and threads, and less memory for nothing but memory")
    func nothingElse() {
        for call in ["mmap", "memfd_create", "eventfd", "pidfd_open", "openat", "setrlimit", "timer_settime", "waitid"]
        {
            for code in 1...133 as ClosedRange<Int32> {
                let advice = SystemError(call: call, code: code).advice
                #expect(!advice.contains("ulimit -u"), "\(call), errno \(code): \(advice)")
                #expect(code == ENOMEM || !advice.contains("free memory"), "\(call), errno \(code): \(advice)")
            }
        }
    }

    @Test("of what has no room is a failure of memory, of anything else a refusal")
    func codes() {
        let room: [(String, Int32)] = [
            ("mmap", ENOMEM), ("mmap", EAGAIN), ("memfd_create", ENOMEM), ("memfd_create", EFBIG),
        ]
        for (call, code) in room {
            #expect(ForkPool.Failure(refused: SystemError(call: call, code: code), index: nil).code == .noMemory)
        }
        for (call, code) in [("fork", ENOMEM), ("memfd_create", EMFILE), ("mmap", EPERM)] as [(String, Int32)] {
            #expect(ForkPool.Failure(refused: SystemError(call: call, code: code), index: nil).code == .forkRefused)
        }
    }

    @Test("is also that of a limit of a worker that the system refuses")
    func workers() {
        let refused = WorkerError(notSetUp: SystemError(call: "setrlimit", code: EPERM))
        let failure = ForkPool.Failure(FailureCause.notSetUp(refused), 3)
        #expect(
            failure.description
                == "item 3 could not be run: the system refused setrlimit: Operation not permitted (errno 1); allow setrlimit in "
                + "the seccomp filter, or do without Options.memoryLimit")
        #expect(failure.code == .notRunnable && failure.errno == EPERM)
    }
}
