// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc

/// Kills a process with workers at a random moment: none of its processes is left.
enum Parents {
    /// What the parent does, again and again.
    private enum Phase: String, CaseIterable {
        /// It makes a pool, uses it and ends it: starting, idle, busy and ending.
        case cycle
        /// All workers are on items that never end.
        case busy
        /// All workers have nothing to do.
        case idle
        /// Bodies map too.
        case nested
        /// Its memory is so large that separate processes hold the workers' memory.
        case large
    }

    static func run(_ setting: Setting) -> String {
        let count = setting.pick(short: 40, long: 400)
        var dice = setting.dice()
        var longest = 0
        var most = 0
        for number in 0..<count {
            let kind = Kind.allCases[number % Kind.allCases.count]
            let phase = Phase.allCases.randomElement(using: &dice)!
            let (time, seen) = killParent(kind, phase, "\(setting.seed).\(number)", &dice)
            longest = max(longest, time)
            most = max(most, seen)
        }
        let tenths = longest / 100_000
        return "\(grouped(count)) killed, with up to \(most) processes of their own, none of which was left, "
            + "the last one after \(tenths / 10).\(tenths % 10) ms at most"
    }

    /// Starts a parent, kills it, and waits until nothing is left of it; returns the nanoseconds that this took and how
    /// many processes it had.
    private static func killParent(
        _ kind: Kind, _ phase: Phase, _ token: String, _ dice: inout Dice
    ) -> (time: Int, processes: Int) {
        var ends: [Int32] = [-1, -1]
        expect(unsafe pipe(&ends) == 0, "no pipe: errno \(errno)")
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        unsafe setenv(Processes.trialVariable, token, 1)
        let parent = Runner.spawn(["--parent", kind.rawValue, phase.rawValue], descriptor: ends[1])
        close(ends[1])
        // The first byte means that the parent began or is ready; the kill follows at a random moment.
        expect(waitUntilReadable(ends[0], seconds: 60), "\(kind) \(phase): a parent does not begin")
        var byte: UInt8 = 0
        expect(unsafe read(ends[0], &byte, 1) == 1, "\(kind) \(phase): a parent ends before it began")
        nap(microseconds: Int.random(in: 0...(kind == .exec ? 60_000 : 12_000), using: &dice))
        let looks = Bool.random(using: &dice)
        let seen = looks ? Processes.all(with: Processes.trialVariable, token).count : 0
        kill(parent, SIGKILL)
        var status: Int32 = 0
        while unsafe waitpid(parent, &status, 0) < 0, errno == EINTR {}
        expect(status == SIGKILL, "\(kind) \(phase): a parent ended with status \(status) by itself")
        let start = monotonic()
        // Forked processes still hold the writing end, and those by exec have the variable.
        var left: [Int32]
        repeat {
            left = Processes.all(with: Processes.trialVariable, token)
        } while !left.isEmpty && monotonic() - start < 10_000_000_000
        let time = monotonic() - start
        expect(left.isEmpty, "\(kind) \(phase): left is\n" + left.map(Processes.describe).joined(separator: "\n"))
        // Every worker may have written that it is ready.
        repeat {
            let isOver = waitUntilReadable(ends[0], seconds: 10)
            expect(isOver, "\(kind) \(phase): a process has the pipe and not the variable")
        } while unsafe read(ends[0], &byte, 1) == 1
        expect(!Files.names(in: "/dev/shm").contains { $0.contains("forkpool") }, "something is left in /dev/shm")
        return (time, seen)
    }

    /// Waits until there is something to read, or no writer is left.
    private static func waitUntilReadable(_ descriptor: Int32, seconds: Int32) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        while true {
            let ready = unsafe poll(&entry, 1, seconds * 1000)
            if ready < 0, errno == EINTR { continue }
            return ready == 1
        }
    }
}

// MARK: - The parent

extension Parents {
    /// Runs the parent until it is killed.
    static func beParent(_ arguments: [String]) -> Never {
        guard arguments.count == 2, let kind = Kind(rawValue: arguments[0]), let phase = Phase(rawValue: arguments[1])
        else { usage() }
        do {
            switch phase {
            case .cycle: try cycle(kind)
            case .busy: try busy(kind)
            case .idle: try idle(kind)
            case .nested: try nested()
            case .large:
                let size = 100 << 20
                let memory = unsafe malloc(size)!
                unsafe memset(memory, 1, size)
                try cycle(kind)
            }
        } catch {
            violation("a parent of \(kind) that is \(phase): \(error)")
        }
        _exit(2)
    }

    private static func sayReady() {
        var byte: UInt8 = 1
        _ = unsafe write(3, &byte, 1)
    }

    private static func cycle(_ kind: Kind) throws(ForkPool.Failure) {
        sayReady()
        for number in 0... {
            guard let pool = try kind.resident(workers: 3, .init(itemsPerWorker: number % 3 == 0 ? 40 : nil)) else {
                try kind.map(200, workers: 3, .init())
                continue
            }
            expect(try pool.map(0..<100) == (0..<100).map(Work.expected), "a map is wrong")
            if number % 2 == 0 { nap(microseconds: 1000) }
            if number % 3 == 0 { pool.close() } else { pool.cancel() }
        }
    }

    private static func busy(_ kind: Kind) throws(ForkPool.Failure) {
        let pool = ForkPool(workers: 3, options: .init(chunk: .fixed(1)))
        switch kind {
        case .oneShot:
            try pool.forEach(0..<3) { _ in
                sayReady()
                Napper.sleepForEver()
            }
        case .residentBody:
            let napper = try pool.resident { (_: Int) in Napper.sleepForEver() }
            sayReady()
            try napper.forEach(0..<3)
        case .residentJob, .exec:
            let napper = try pool.resident(Napper(), start: kind == .exec ? .exec : .fork)
            sayReady()
            try napper.forEach(0..<3)
        }
    }

    private static func idle(_ kind: Kind) throws(ForkPool.Failure) {
        let pool = try kind.resident(workers: 3)
        // A one-shot pool has no process between maps, so it is idle during one.
        _ = try pool?.map(0..<50)
        sayReady()
        while true {
            if pool == nil { try kind.map(50, workers: 3, .init()) }
            nap(microseconds: 2000)
        }
    }

    private static func nested() throws(ForkPool.Failure) {
        sayReady()
        let pool = ForkPool(workers: 2)
        while true {
            let sums = try pool.map(0..<20) { item in
                try ForkPool(workers: 2).map(0..<10) { Work.perform($0 * item) }.reduce(0, +)
            }
            expect(sums == (0..<20).map { 135 * $0 + 10 }, "a map of maps is wrong")
        }
    }
}

/// An item that never ends.
struct Napper: ForkPool.Job {
    func run(_ item: Int) async throws -> Int { Self.sleepForEver() }

    static func sleepForEver() -> Never {
        while true { pause() }
    }
}
