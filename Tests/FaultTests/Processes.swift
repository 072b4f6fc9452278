// SPDX-License-Identifier: Apache-2.0
import CForkPool
import Glibc
import Testing

/// A pipe for process ids; its end means that every process with the writing end is gone.
final class PidPipe: @unchecked Sendable {
    let reading: Int32
    private(set) var writing: Int32

    init() {
        var ends: [Int32] = [-1, -1]
        let result = unsafe pipe(&ends)
        precondition(result == 0, "no pipe: errno \(errno)")
        reading = ends[0]
        writing = ends[1]
    }

    deinit {
        close(reading)
        if writing >= 0 { close(writing) }
    }

    /// Sends this process's id.
    func send() {
        send(getpid())
    }

    func send(_ pid: Int32) {
        Self.send(pid, to: writing)
    }

    static func send(_ pid: Int32, to descriptor: Int32) {
        var pid = pid
        _ = unsafe write(descriptor, &pid, 4)
    }

    /// Waits for the next id.
    func receive() -> Int32 {
        var pid: Int32 = -1
        while unsafe read(reading, &pid, 4) < 0, errno == EINTR {}
        return pid
    }

    /// Waits for some ids on a separate thread, so that no task's thread blocks.
    func receive(_ count: Int) async -> [Int32] {
        await withCheckedContinuation { continuation in
            Process.onThread { continuation.resume(returning: (0..<count).map { _ in self.receive() }) }
        }
    }

    func closeWriting() {
        close(writing)
        writing = -1
    }

    /// Waits until no process holds the writing end; returns false if one still does after some seconds.
    func everyWriterIsGone(seconds: Int64 = 10) -> Bool {
        var entry = cforkpool_poll(fd: reading, events: Int16(POLLIN), revents: 0)
        guard unsafe cforkpool_ppoll(&entry, 1, seconds * 1_000_000_000) == 1 else { return false }
        return receive() == -1
    }
}

/// Process functions that Swift does not import, `fork` itself among them.
enum Process {
    /// Forks as a C program would, without the pool; returns 0 in the child.
    static func fork() -> Int32 {
        typealias Fork = @convention(c) () -> Int32
        let symbol = unsafe dlsym(nil, "fork")!
        return unsafe unsafeBitCast(symbol, to: Fork.self)()
    }

    /// Opens a descriptor that names a process.
    static func descriptor(of pid: Int32) -> Int32 { cforkpool_pidfd_open(pid) }

    /// Reaps a child; returns its raw wait status.
    static func wait(for pid: Int32) -> Int32 {
        var status: Int32 = -1
        while unsafe waitpid(pid, &status, 0) < 0, errno == EINTR {}
        return status
    }

    /// Sleeps until a signal ends the process, and at most a minute, so that no failed test leaves it behind.
    static func sleepForEver() -> Never {
        alarm(60)
        while true { pause() }
    }

    /// Ignores and blocks every signal that can be.
    static func makeDeaf() {
        for number in 1...64 { signal(Int32(number), SIG_IGN) }
        var all = sigset_t()
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_SETMASK, &all, nil)
    }

    /// Waits for a lock that this very thread holds.
    static func waitForEver() {
        let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        unsafe lock.initialize(to: pthread_mutex_t())
        unsafe pthread_mutex_lock(lock)
        unsafe pthread_mutex_lock(lock)
    }

    /// Kills this process with SIGKILL.
    static func killSelf(_ signal: Int32 = SIGKILL) {
        kill(getpid(), signal)
    }

    /// Runs `work` on a thread of its own.
    static func onThread(_ work: @escaping () -> Void) {
        final class Box {
            let work: () -> Void
            init(_ work: @escaping () -> Void) { self.work = work }
        }
        let context = unsafe Unmanaged.passRetained(Box(work)).toOpaque()
        let run: @convention(c) (UnsafeMutableRawPointer) -> Void = {
            unsafe Unmanaged<Box>.fromOpaque($0).takeRetainedValue().work()
        }
        let error = unsafe cforkpool_thread(run, context)
        precondition(error == 0, "no thread: errno \(-error)")
    }

    /// Whether this process ignores a signal.
    static func ignores(_ number: Int32) -> Bool {
        var action = sigaction()
        unsafe sigaction(number, nil, &action)
        return unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
    }

    /// Runs `work` on a thread whose stack has `size` bytes, and waits for its end.
    static func onThread(stack size: Int, _ work: () -> Void) {
        withoutActuallyEscaping(work) { work in
            var work = work
            unsafe withUnsafeMutablePointer(to: &work) { work in
                var attributes = pthread_attr_t()
                unsafe pthread_attr_init(&attributes)
                unsafe pthread_attr_setstacksize(&attributes, size)
                var thread = pthread_t()
                let error = unsafe pthread_create(
                    &thread, &attributes,
                    { context in
                        unsafe context!.assumingMemoryBound(to: (() -> Void).self).pointee()
                        return nil
                    }, work)
                precondition(error == 0, "no thread: errno \(error)")
                pthread_join(thread, nil)
            }
        }
    }
}
