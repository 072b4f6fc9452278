// SPDX-License-Identifier: Apache-2.0
import ForkPool
import Glibc
import Testing

@Suite(.enabled(if: Fault.isAvailable, "a release build has no way to make a call fail"))
struct InjectionTests {
    @Test("F: every call of the shim fails here, or there is a written reason why not")
    func everyCall() {
        #expect(Set(Fault.calls) == Set(FaultCases.errors.keys).union(FaultCases.reasons.keys))
        #expect(Fault.calls.count > 30)
    }

    @Test(
        "F: each call that fails at each step costs what it is for and no more: no hang, nothing left, right results after",
        arguments: FaultScene.allCases)
    func each(_ scene: FaultScene) async {
        await #expect(processExitsWith: .success) { [scene] in FaultCases.run(scene) }
    }

    @Test("F: asynchronous code gets each failing call's error, too")
    func asynchronously() async {
        await #expect(processExitsWith: .success) { await FaultCases.runAsynchronously() }
    }
}

/// The errors of each call, by its man page.
enum FaultCases {
    /// Errors, and those of them that may persist; those that the library retries may not.
    struct Errors: ExpressibleByArrayLiteral {
        var codes: [Int32]
        var lasting: [Int32]

        init(arrayLiteral elements: Int32...) {
            codes = elements
            lasting = elements
        }

        init(passing codes: Int32..., lasting: [Int32] = []) {
            self.codes = codes + lasting
            self.lasting = lasting
        }
    }

    static let errors: [String: Errors] = [
        "access": [EACCES],
        "capget": [EPERM],
        "chdir": [EACCES],
        "clone": [EAGAIN, ENOMEM],
        "close_range": [ENOSYS, EPERM],
        "dup2": [EBUSY],
        "eventfd": [EMFILE, ENOMEM],
        "execve": [EAGAIN, ENOENT, ENOMEM],
        "fcntl_append": [EPERM],
        "fcntl_dup": [EMFILE],
        "fcntl_flags": [EBADF],
        "fcntl_seals": [EPERM],
        "fork": [EAGAIN, ENOMEM],
        "ftruncate": Errors(passing: EINTR, EFBIG, ENOMEM),
        "futex_wait": Errors(passing: EINTR, EAGAIN),
        "getcwd": [ENOENT],
        "getrlimit": [EINVAL],
        "getxattr": [EPERM, EOPNOTSUPP],
        "madvise": [EAGAIN, ENOMEM],
        "malloc": [ENOMEM],
        "memfd_create": [EMFILE, ENOMEM, ENOSYS],
        "mmap": [EAGAIN, ENOMEM, EPERM],
        "mprotect": [ENOMEM],
        "munlock": [EAGAIN, ENOMEM],
        "munmap": [ENOMEM],
        "on_exit": [ENOMEM],
        "open": [ENOENT, EMFILE],
        "pidfd_open": [EMFILE, ENOMEM, ENOSYS],
        "pidfd_send_signal": [EPERM, ENOSYS],
        "ppoll": Errors(passing: EINTR, EINVAL, ENOMEM),
        "prctl": [EPERM],
        "pread": Errors(passing: EINTR, ENOMEM),
        "pthread_create": [EAGAIN],
        "pthread_getattr_np": [ENOMEM],
        "pwrite": Errors(passing: EINTR, EFAULT, ENOMEM),
        "read": Errors(passing: EINTR, EAGAIN),
        "sched_getaffinity": [EINVAL],
        "sched_getcpu": [ENOSYS],
        "sched_setaffinity": [EINVAL, EPERM],
        "setrlimit": [EPERM, EINVAL],
        "sigaltstack": [ENOMEM],
        "stat": [ENOENT],
        "tid_offset": [ENOTSUP],
        "timer_create": [EAGAIN, ENOMEM],
        "timer_settime": [EINVAL],
        "vfork": [EAGAIN, ENOMEM],
        "waitid": Errors(passing: EINTR, ECHILD, lasting: [EPERM, ENOSYS]),
        "waitpid": Errors(passing: EINTR, ECHILD),
        "write": Errors(passing: EINTR, EAGAIN),
    ]

    /// Why the other calls do not fail here.
    static let reasons: [String: String] = [
        "capset": "made where capabilities are permitted and not in effect, which RightsTests brings about",
        "fallocate": "the command alone gives space back, and LaunchInjectionTests makes it fail",
        "fdatasync": "made for journals, where JournalRefusalTests makes it fail",
        "fcntl_lock": "made for journals, where JournalRefusalTests makes it fail",
        "fsync": "made for journals, where JournalRefusalTests makes it fail",
        "futex_wake": "fails only for an invalid address",
        "kill": "its target is always a child that is not reaped yet",
        "perf_event_open": "the command alone counts events, and EventCounterTests makes it fail",
        "poll": "made in a program started by exec, which knows of no fault; elsewhere it only passes the time",
        "pselect": "it is for where ppoll fails, and nothing is there for where it fails too",
        "pthread_atfork": "glibc's only fails for want of memory, as malloc would",
        "pthread_mutex_init": "glibc's does not fail",
    ]

    /// The name in the failure, if it is not the call's own.
    static let purposes: [String: [String]] = [
        "mmap": ["mmap", "pthread_create"], "mprotect": ["mmap", "pthread_create"],
        "ftruncate": ["memfd_create"], "fcntl_seals": ["memfd_create"], "fcntl_flags": ["fcntl"],
        "fcntl_dup": ["eventfd", "memfd_create", "pidfd_open"],
        "getrlimit": ["setrlimit"], "malloc": ["eventfd", "malloc", "pthread_create"],
        "open": ["open", "setrlimit"], "read": ["setrlimit"],
        "timer_create": ["timer_settime"],
    ]

    /// Races decide whether and how often these calls are made; a pidfd of the spare is opened a moment after the pool's start.
    private static let mayBeSpared: Set<String> = [
        "futex_wait", "pidfd_open", "ppoll", "read", "sched_getcpu", "waitpid", "write",
    ]

    /// A call fails in turn at its first four times in a scene; with errors other than its first one only once.
    private static let steps = 4

    static func run(_ scene: FaultScene) {
        Scene.setDeadline()
        // First uses happen here.
        scene.warmUp()
        let trial = FaultTrial()
        #expect(trial.run(.none) { scene.play($0) } == nil)
        let counts = Fault.counts(Array(errors.keys))
        for (call, errors) in errors.sorted(by: { $0.key < $1.key }) {
            for role in Fault.Role.allCases where counts[call]![role]! > 0 {
                for code in errors.codes {
                    let fault = Fault(call: call, role: role, first: 1, times: 1, error: code)
                    var failures = 0
                    for first in 1...(code == errors.codes[0] ? steps : 1) {
                        let complaint = trial.run(fault.at(first)) { scene.play($0) }
                        if let complaint { Issue.record("\(complaint)") }
                        if Fault.failures == 0 { break }
                        failures += 1
                    }
                    if role == .parent, !mayBeSpared.contains(call) {
                        #expect(failures > 0, "\(fault) was never reached")
                    }
                    guard errors.lasting.contains(code) else { continue }
                    let complaint = trial.run(fault.forEver) { scene.play($0) }
                    if let complaint { Issue.record("\(complaint)") }
                }
            }
        }
    }

    /// The same in asynchronous code, in this process and for calls in it alone: tasks do not survive a fork.
    static func runAsynchronously() async {
        Scene.setDeadline()
        _ = FaultTrialWarmth.use()
        await FaultScene.playAsynchronously(nil)
        Fault.none.begin()
        await FaultScene.playAsynchronously(nil)
        let counts = Fault.counts(Array(errors.keys))
        for (call, errors) in errors.sorted(by: { $0.key < $1.key }) where counts[call]![.parent]! > 0 {
            for code in errors.codes {
                for first in 1...steps {
                    await FaultScene.playAsynchronously(
                        Fault(call: call, role: .parent, first: first, times: 1, error: code))
                    if Fault.failures == 0 { break }
                }
            }
        }
    }
}
