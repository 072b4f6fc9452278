import ForkPool
import Glibc

/// What others did on the machine while something was measured.
struct Noise {
    /// How many processors they used, in the mean; nil if the system does not say.
    let others: Double?
    /// The part of the time in which some process waited for a processor (PSI); nil if the system does not say.
    let pressure: Double?
    let processors: Int

    /// Whether they were in the way: they used more than a fifth of the machine.
    var isContended: Bool { (others ?? 0) > 0.2 * Double(processors) }

    /// Such as "contended: …"; nil where there is nothing to say.
    var sentence: String? {
        guard let others, isContended else { return nil }
        return """
            contended: other processes used \(fixed(others, 1)) of \(processors) processors meanwhile, which wall times \
            include and CPU times do not.
            """
    }
}

/// Looks at the machine twice.
struct NoiseMeter {
    private let start = ContinuousClock.now
    private let busy = Self.busySeconds()
    private let waited = Self.pressureSeconds()
    private let own = Self.ownSeconds()

    /// Says what others did since this was made.
    ///
    /// - Parameter commands: The processor time of what was measured and of its launcher, in seconds.
    /// - Returns: What they did.
    func noise(besides commands: Double) -> Noise {
        let seconds = start.secondsSince
        let processors = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        // The kernel counts in hundredths of a second.
        guard seconds > 0.1 else { return Noise(others: nil, pressure: nil, processors: processors) }
        var others: Double?
        if let busy, let now = Self.busySeconds() {
            let used = (now - busy - commands - (Self.ownSeconds() - own)) / seconds
            others = min(max(0, used), Double(processors))
        }
        var pressure: Double?
        if let waited, let now = Self.pressureSeconds() { pressure = min(1, max(0, (now - waited) / seconds)) }
        return Noise(others: others, pressure: pressure, processors: processors)
    }

    /// How long all processors together were not idle (`/proc/stat`).
    private static func busySeconds() -> Double? {
        guard let fields = TextFile.line("/proc/stat")?.split(separator: " "), fields.count > 8 else { return nil }
        // User, nice, system, and without idle and iowait: irq, softirq and what other guests had.
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
