// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc

@testable import ForkPool

/// What a test shares with the process that it samples, and what that process waits for.
///
/// The locks lie in private memory; a forked process gets a copy in the state of that moment.
@safe struct Stage: @unchecked Sendable {
    /// The first becomes 1 when the process is about to enter its state, the second when it may end.
    let arrivals = SharedCounter()
    let releases = SharedCounter()
    let pipe = PidPipe()
    /// A word in shared memory.
    let event: FutexEvent
    let value = SharedValue(0)
    let listener: Int32
    let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    let gate = UnsafeMutablePointer<pthread_rwlock_t>.allocate(capacity: 1)
    let barrier = UnsafeMutablePointer<pthread_barrier_t>.allocate(capacity: 1)
    let semaphore = unsafe Stage.signalled

    /// Global, for signal handlers.
    nonisolated(unsafe) static let signalled = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() {
        let page = unsafe mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)!
        event = unsafe FutexEvent(at: page)
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(condition, nil)
        unsafe pthread_rwlock_init(gate, nil)
        unsafe pthread_barrier_init(barrier, nil, 2)
        unsafe sem_init(semaphore, 0, 0)
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        // Without a name the kernel chooses one.
        unsafe withAddress(of: nil) { address, _ in unsafe bind(listener, address, 2) }
        listen(listener, 1)
    }

    /// Connects to the listener.
    func connect() {
        let own = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        unsafe withAddress(of: listener) { address, length in unsafe Glibc.connect(own, address, length) }
    }

    private func withAddress(of socket: Int32?, _ call: (UnsafePointer<sockaddr>, socklen_t) -> Int32) {
        var address = sockaddr_un()
        address.sun_family = UInt16(AF_UNIX)
        unsafe withUnsafeMutablePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                var length = socklen_t(MemoryLayout<sockaddr_un>.size)
                if let socket { unsafe getsockname(socket, address, &length) }
                let result = unsafe call(address, length)
                precondition(result == 0, "no socket: errno \(errno)")
            }
        }
    }

    var isReleased: Bool { releases.value > 0 }

    func waitForArrival() {
        while arrivals.value == 0 { sched_yield() }
    }
}

/// States of a healthy process: once released, it ends by itself with status 0.
enum HealthyState: String, CaseIterable, Codable, Sendable {
    case computing
    case yielding
    case napping
    case reading
    case polling
    case accepting
    case reaping
    /// In private waits with a timeout, again and again.
    case timing
    /// In a shared wait, which the test ends with a wake.
    case sharing
    /// Waits for a robust lock that the test holds.
    case locking
    /// Waits for another of its threads, which unlocks, signals, posts or ends.
    case mutex
    case condition
    case semaphore
    case thread
    /// Waits for a signal with a handler that posts.
    case handler
    /// Waits for a process that shares its memory and posts.
    case sharer
    case stopped

    /// Runs in the process; returns when the process is released.
    func enter(_ stage: Stage) {
        if self == .handler { signal(SIGUSR1) { _ in unsafe sem_post(Stage.signalled) } }
        if self == .mutex { Self.lockBeside(stage) }
        stage.arrivals.add(1)
        switch self {
        case .computing:
            var sum = 0
            while !stage.isReleased { sum = opaque(sum &+ 1) }
        case .yielding: while !stage.isReleased { sched_yield() }
        case .napping: while !stage.isReleased { usleep(2000) }
        case .reading: _ = stage.pipe.receive()
        case .polling:
            var entry = pollfd(fd: stage.pipe.reading, events: Int16(POLLIN), revents: 0)
            _ = unsafe poll(&entry, 1, -1)
        case .accepting: _ = accept(stage.listener, nil, nil)
        case .reaping:
            let child = Process.fork()
            if child == 0 { _exit(stage.pipe.receive() < 0 ? 1 : 0) }
            _ = Process.wait(for: child)
        case .timing: while !stage.isReleased { Self.waitFor20Milliseconds(stage) }
        case .sharing:
            while true {
                let seen = stage.event.announce(.threads)
                if stage.isReleased { break }
                stage.event.sleep(while: seen)
            }
        case .locking: stage.value.withLock { $0 += 1 }
        case .mutex: unsafe pthread_mutex_lock(stage.mutex)
        case .condition:
            unsafe pthread_mutex_lock(stage.mutex)
            Process.onThread {
                _ = stage.pipe.receive()
                unsafe pthread_mutex_lock(stage.mutex)
                unsafe pthread_cond_signal(stage.condition)
                unsafe pthread_mutex_unlock(stage.mutex)
            }
            unsafe pthread_cond_wait(stage.condition, stage.mutex)
        case .semaphore:
            Process.onThread {
                _ = stage.pipe.receive()
                unsafe sem_post(stage.semaphore)
            }
            Self.wait(stage)
        case .thread: Threads.run(1) { _ in _ = stage.pipe.receive() }
        case .handler: Self.wait(stage)
        case .sharer: Raw.withSharer(stage) { Self.wait(stage) }
        case .stopped: raise(SIGSTOP)
        }
    }

    /// Releases the process.
    func release(_ pid: Int32, _ stage: Stage) {
        stage.releases.add(1)
        stage.pipe.send()
        switch self {
        case .accepting: stage.connect()
        case .sharing: stage.event.signal()
        case .handler: kill(pid, SIGUSR1)
        case .stopped: kill(pid, SIGCONT)
        default: break
        }
    }

    private static func wait(_ stage: Stage) {
        while unsafe sem_wait(stage.semaphore) != 0 {}
    }

    private static func waitFor20Milliseconds(_ stage: Stage) {
        var end = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &end)
        end.tv_nsec += 20_000_000
        if end.tv_nsec >= 1_000_000_000 { (end.tv_sec, end.tv_nsec) = (end.tv_sec + 1, end.tv_nsec - 1_000_000_000) }
        _ = unsafe sem_timedwait(stage.semaphore, &end)
    }

    /// Starts a thread that holds the lock until the process is released.
    private static func lockBeside(_ stage: Stage) {
        let holds = SharedCounter()
        Process.onThread {
            unsafe pthread_mutex_lock(stage.mutex)
            holds.add(1)
            _ = stage.pipe.receive()
            unsafe pthread_mutex_unlock(stage.mutex)
        }
        while holds.value == 0 { sched_yield() }
    }
}

/// States of a process with one thread that waits for ever.
enum HopelessState: String, CaseIterable, Codable, Sendable {
    /// Waits for what a thread of the parent held at the fork.
    case mutex
    case readLock
    /// Waits for a wake that never comes.
    case semaphore
    case condition
    case barrier
    /// Waits for a thread that has ended.
    case thread
    /// Waits for a signal that is blocked.
    case handler

    /// Runs in the parent before the fork.
    func prepare(_ stage: Stage) {
        let holds = SharedCounter()
        Process.onThread {
            unsafe pthread_mutex_lock(stage.mutex)
            unsafe pthread_rwlock_wrlock(stage.gate)
            holds.add(1)
            while true { pause() }
        }
        while holds.value == 0 { sched_yield() }
    }

    /// Runs in the process; never returns.
    func enter(_ stage: Stage) {
        switch self {
        case .mutex: unsafe pthread_mutex_lock(stage.mutex)
        case .readLock: unsafe pthread_rwlock_rdlock(stage.gate)
        case .semaphore: unsafe sem_wait(stage.semaphore)
        case .condition:
            let own = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
            unsafe pthread_mutex_init(own, nil)
            unsafe pthread_mutex_lock(own)
            unsafe pthread_cond_wait(stage.condition, own)
        case .barrier: unsafe pthread_barrier_wait(stage.barrier)
        case .thread:
            Process.onThread { sched_yield() }
            unsafe sem_wait(stage.semaphore)
        case .handler:
            var set = sigset_t()
            unsafe sigemptyset(&set)
            unsafe sigaddset(&set, SIGUSR1)
            unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
            signal(SIGUSR1) { _ in unsafe sem_post(Stage.signalled) }
            unsafe sem_wait(stage.semaphore)
        }
    }
}
