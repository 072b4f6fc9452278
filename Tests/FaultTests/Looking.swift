// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc
import Testing

@testable import ForkPool

/// Takes samples of processes, and starts processes to sample.
enum Looking {
    /// Takes two samples; returns whether they prove the process dead.
    static func isProven(_ pid: Int32) -> Bool {
        guard let first = ProcSample.take(of: pid), let second = ProcSample.take(of: pid) else { return false }
        return DeadlockProof.proves(first, second)
    }

    /// Takes samples until `condition` holds; returns false if it does not within some seconds.
    static func see(_ pid: Int32, _ condition: (ProcSample) -> Bool) -> Bool {
        for _ in 0..<10_000 {
            if let look = ProcSample.take(of: pid), condition(look) { return true }
            usleep(1000)
        }
        return false
    }

    /// Takes samples until the process is proven dead; returns false also if it has ended.
    static func waitForProof(_ pid: Int32) -> Bool {
        for _ in 0..<10_000 {
            if isProven(pid) { return true }
            if kill(pid, 0) != 0 { return false }
            usleep(1000)
        }
        return false
    }

    /// Returns when no other thread of this process has run for half a second, or after some seconds.
    static func untilIdle() {
        let status = Files.lines("/proc/thread-self/status")
        let own = status.first { $0.hasPrefix("Pid:") }?.split(separator: "\t").last ?? ""
        let others = Files.names(in: "/proc/self/task").filter { !$0.hasPrefix(".") && $0 != own }
        _ = areIdle(others.map { "/proc/self/task/" + $0 })
    }

    /// Waits until none of some threads and processes has run for half a second; returns false if one still runs after some
    /// seconds.
    static func areIdle(_ paths: some Collection<String>) -> Bool {
        var counts: [Int] = []
        repeat {
            usleep(10_000)
            counts.append(paths.reduce(0) { $0 + switches($1) })
        } while counts.count < 1000 && (counts.count < 50 || counts[counts.count - 50] != counts.last)
        return counts.count < 1000
    }

    /// The number of context switches of a thread or process, which counts how often it ran.
    private static func switches(_ path: String) -> Int {
        Files.text(path + "/status").split(separator: "\n").filter { $0.contains("ctxt_switches") }
            .reduce(0) { $0 + (Int($1.split(separator: "\t").last ?? "") ?? 0) }
    }

    /// Takes samples until they suspect the process of repeating a call in vain.
    static func isSuspected(_ pid: Int32) -> Bool {
        var first = ProcSample.take(of: pid)
        for _ in 0..<1000 {
            usleep(30_000)
            let second = ProcSample.take(of: pid)
            if let first, let second, DeadlockProof.suspectsSpin(first, second) { return true }
            first = second
        }
        return false
    }

    /// Stops a process for a moment; returns what it was in.
    static func stopSample(_ pid: Int32) -> StopSample {
        let descriptor = Process.descriptor(of: pid)
        defer { close(descriptor) }
        return StopSample.take(of: [(pid, descriptor)])[0]
    }

    /// Whether the kernel refuses a lock that a thread of the parent owns; other kernels wait for that thread's end.
    static let refusesForeignOwners: Bool = {
        let word = UnsafeMutablePointer<UInt32>.allocate(capacity: 1)
        unsafe word.initialize(to: UInt32(getpid()))
        // The timeout has already passed, so no kernel waits.
        let pid = start { if unsafe Raw.futex(word, .lock, until: timespec()) == ETIMEDOUT { _exit(1) } }
        return Process.wait(for: pid) == 0
    }()

    /// Forks a process that does `work` and ends with status 0; it blocks no signal.
    static func start(_ work: () -> Void) -> Int32 {
        let pid = Process.fork()
        guard pid == 0 else { return pid }
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe pthread_sigmask(SIG_SETMASK, &none, nil)
        // The runtime's backtracer may catch this signal.
        signal(SIGQUIT, SIG_DFL)
        alarm(60)
        work()
        _exit(0)
    }

    /// Ends a process that still runs.
    static func end(_ pid: Int32) {
        kill(pid, SIGKILL)
        #expect(Process.wait(for: pid) == SIGKILL)
    }
}
