// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool
import ForkPoolLaunch

/// What holds the start of a job back: other work on the machine, little memory, a pause between starts.
struct RunThrottle {
    /// When to look again, in nanoseconds.
    private static let pause = 100_000_000
    /// How many processes may be running on the machine.
    var load: Double?
    /// How many bytes of memory must be free.
    var freeMemory: Int?
    /// The least time between two starts, in nanoseconds.
    var delay: Int?
    private var lastStart: Int?
    /// Why no job starts now, in words.
    private(set) var reason: String?

    init(load: Double? = nil, freeMemory: Int? = nil, delay: Int? = nil) {
        (self.load, self.freeMemory, self.delay) = (load, freeMemory, delay)
    }

    /// Notes that a job started.
    mutating func started(at time: Int) { lastStart = time }

    /// Returns when a job may start or when to ask again; nil for now.
    mutating func earliestStart() -> Int? {
        reason = nil
        guard load != nil || freeMemory != nil || delay != nil else { return nil }
        let time = now()
        if let delay, let lastStart, lastStart + delay > time { return lastStart + delay }
        if let load, let present = Self.runningProcesses, Double(present) >= load {
            reason = "waiting: \(counted(present, "process", "processes")) run on this machine (--load)"
        } else if let freeMemory, let present = FreeMemory().bytes, present < freeMemory {
            reason = "waiting: \(byteSize(present)) of memory are free (--memfree)"
        }
        return reason == nil ? nil : time + Self.pause
    }

    /// How many threads run or wait for a processor, without this one (`/proc/loadavg`).
    ///
    /// The averages of the load are too slow: many jobs would start before the first of them shows.
    private static var runningProcesses: Int? {
        let fields = TextFile.text("/proc/loadavg")?.split(separator: " ") ?? []
        guard fields.count > 3, let count = fields[3].split(separator: "/").first.flatMap({ Int($0) }) else {
            return nil
        }
        return max(0, count - 1)
    }
}
#endif
