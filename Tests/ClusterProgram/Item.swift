// SPDX-License-Identifier: Apache-2.0
import ForkPool
import Glibc

/// What a worker does for an item before it returns a result.
struct Item {
    private let sleep: Int
    private let busy: Int
    private let log: Int32
    /// The item that kills a process, and the process: 0 for its own.
    private let victim: (item: Int, process: pid_t)?
    private let once: String?

    init(_ arguments: Arguments, rank: Int) {
        sleep = arguments.number("sleep", 0)
        busy = arguments.number("busy", 0)
        log = arguments.text("log").map { unsafe open($0, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644) } ?? -1
        once = arguments.text("once")
        let isHere = rank == arguments.number("rank", rank)
        switch arguments.text("kill") {
        case "worker" where isHere: victim = (arguments.number("item", 0), 0)
        case "rank" where isHere: victim = (arguments.number("item", 0), getpid())
        default: victim = nil
        }
    }

    func run(_ number: Int) {
        if log >= 0 {
            // One call, so that lines of different processes do not mix.
            var line = "\(number)\n"
            line.withUTF8 { unsafe _ = write(log, $0.baseAddress!, $0.count) }
        }
        if let victim, number >= victim.item, isFirst {
            kill(victim.process == 0 ? getpid() : victim.process, SIGKILL)
            pause()
        }
        if sleep > 0 { usleep(UInt32(sleep)) }
        if busy > 0 {
            let end = Clock.microseconds() + busy
            while Clock.microseconds() < end {}
        }
    }

    /// Whether no process was here before, which is noted in a file.
    private var isFirst: Bool {
        guard let once else { return true }
        let file = unsafe open(once, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard file >= 0 else { return false }
        close(file)
        return true
    }
}

enum Clock {
    static func microseconds() -> Int {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1_000_000 + time.tv_nsec / 1000
    }

    /// Seconds that a body takes.
    static func seconds(_ body: () throws -> Void) rethrows -> Double {
        let start = microseconds()
        try body()
        return Double(microseconds() - start) / 1e6
    }
}
