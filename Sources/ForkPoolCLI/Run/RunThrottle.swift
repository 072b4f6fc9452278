// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool
import ForkPoolLaunch

/// What holds the start of a job back: other work on the machine, little memory, a pause between starts.
struct RunThrottle {
    /// When to look again, in nanoseconds.
    private static let pause = 100_000_000
    /// After how long a wait gets a message, and how long it is until the next message at least, in nanoseconds.
    private static let (patience, silence) = (5_000_000_000, 600_000_000_000)
    /// How many processes may be running on the machine.
    var load: Double?
    /// How many bytes of memory must be free.
    var freeMemory: Int?
    /// The least time between two starts, in nanoseconds.
    var delay: Int?
    private var lastStart: Int?
    /// Since when no job may start, and when a message may be printed.
    private var since: Int?
    private var nextMessage = 0
    /// What keeps jobs from starting now, and the option and the limit that say so.
    private var obstacle: (text: String, option: String, limit: String)?
    /// Why no job starts now, in words.
    var reason: String? { obstacle.map { "waiting: \($0.text) (\($0.option))" } }

    init(load: Double? = nil, freeMemory: Int? = nil, delay: Int? = nil) {
        (self.load, self.freeMemory, self.delay) = (load, freeMemory, delay)
    }

    /// Notes that a job started.
    mutating func started(at time: Int) { lastStart = time }

    /// Returns when a job may start or when to ask again; nil for now.
    mutating func earliestStart() -> Int? {
        obstacle = nil
        guard load != nil || freeMemory != nil || delay != nil else { return nil }
        let time = now()
        if let delay, let lastStart, lastStart + delay > time { return lastStart + delay }
        if let load, let present = Self.runningProcesses, Double(present) >= load {
            let limit = fixed(load, load == load.rounded() ? 0 : 2)
            obstacle = ("\(counted(present, "process", "processes")) run on this machine", "--load", limit)
        } else if let freeMemory, let present = FreeMemory().bytes, present < freeMemory {
            obstacle = ("\(byteSize(present)) of memory are free", "--memfree", byteSize(freeMemory))
        }
        since = obstacle == nil ? nil : since ?? time
        return obstacle == nil ? nil : time + Self.pause
    }

    /// Returns a message about a wait that takes long, but not often.
    mutating func takeMessage() -> String? {
        guard let (text, option, limit) = obstacle, let since else { return nil }
        let time = now()
        guard time - since >= Self.patience, time >= nextMessage else { return nil }
        nextMessage = time + Self.silence
        return "no job starts: \(text) (\(option) \(limit)); forkpool waits until that changes"
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
