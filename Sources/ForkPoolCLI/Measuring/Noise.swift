// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool
import Glibc

/// The load from other processes during a measurement.
struct Noise {
    /// How many processors other processes used on average; nil if unknown.
    let others: Double?
    /// The fraction of time in which some process waited for a processor (PSI); nil if unknown.
    let pressure: Double?
    let processors: Int
    /// How many threads of other processes wanted a processor on average; nil if unknown.
    var runnable: Double?

    /// How many times as long a thread may take because others use the processors; 2 on a machine of which nothing is known.
    var slowdown: Double { 1 + (runnable ?? others ?? Double(processors)) / Double(processors) }

    /// Whether other processes used more than a fifth of the machine.
    var isContended: Bool { (others ?? 0) > 0.2 * Double(processors) }

    /// Whether it is known that other processes used little of the machine.
    var isQuiet: Bool { others != nil && !isContended }

    /// A sentence that begins with "contended:"; nil if the machine was not contended.
    var sentence: String? {
        guard let others, isContended else { return nil }
        return """
            contended: other processes used \(fixed(others, 1)) of \(processors) processors meanwhile; this affects wall \
            times, but not CPU times.
            """
    }
}

/// Measures the load from other processes between two moments.
struct NoiseMeter {
    private let start = ContinuousClock.now
    private let busy = Self.busySeconds()
    private let waited = Self.pressureSeconds()
    private let own = Self.ownSeconds()
    private var samples = (sum: 0.0, count: 0)

    /// Notes how many threads want a processor now (`/proc/loadavg`); call it while no command runs.
    mutating func sample() {
        guard let fields = TextFile.line("/proc/loadavg")?.split(separator: " "), fields.count > 3,
            let running = fields[3].split(separator: "/").first.flatMap({ Double($0) })
        else { return }
        // Without this thread.
        samples = (samples.sum + max(0, running - 1), samples.count + 1)
    }

    /// Returns the load from other processes since this meter was made.
    ///
    /// - Parameter commands: The processor time of the measured commands and their launcher, in seconds.
    /// - Returns: The load.
    func noise(besides commands: Double) -> Noise {
        let seconds = start.secondsSince
        let processors = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        // The kernel counts in hundredths of a second.
        let runnable = samples.count > 0 ? samples.sum / Double(samples.count) : nil
        guard seconds > 0.1 else {
            return Noise(others: nil, pressure: nil, processors: processors, runnable: runnable)
        }
        var others: Double?
        if let busy, let now = Self.busySeconds() {
            let used = (now - busy - commands - (Self.ownSeconds() - own)) / seconds
            others = min(max(0, used), Double(processors))
        }
        var pressure: Double?
        if let waited, let now = Self.pressureSeconds() { pressure = min(1, max(0, (now - waited) / seconds)) }
        return Noise(others: others, pressure: pressure, processors: processors, runnable: runnable)
    }

    /// The seconds in which processors were not idle, added up (`/proc/stat`).
    private static func busySeconds() -> Double? {
        guard let fields = TextFile.line("/proc/stat")?.split(separator: " "), fields.count > 8 else { return nil }
        // user, nice, system, irq, softirq and steal; not idle and iowait.
        let ticks = [1, 2, 3, 6, 7, 8].reduce(0.0) { $0 + (Double(fields[$1]) ?? 0) }
        return ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    private static func pressureSeconds() -> Double? {
        guard let text = TextFile.line("/proc/pressure/cpu"), let total = text.split(separator: "=").last else {
            return nil
        }
        return Double(total).map { $0 / 1e6 }
    }

    private static func ownSeconds() -> Double {
        var usage = rusage()
        unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
    }
}
#endif
