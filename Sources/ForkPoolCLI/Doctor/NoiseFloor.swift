// SPDX-License-Identifier: Apache-2.0
#if Command
import Glibc

/// The smallest difference that a gate can find on this machine, measured with two copies of the same program.
struct NoiseFloor {
    static let pairs = 20

    let cpu: Ratio
    let wall: Ratio
    let noise: Noise

    /// Compares this program with itself, which takes about half a second.
    ///
    /// - Throws: `MeasurementError` if the system refuses a process.
    static func measure() throws(MeasurementError) -> NoiseFloor {
        let count = Self.calibrated()
        let program: Program
        do {
            program = try Program(["/proc/self/exe", "doctor", "--spin", "\(count)"])
        } catch {
            throw .program(error)
        }
        let entries = ["base", "head"].map { Measurement.Entry(name: $0, command: program) }
        let measurement = try Measurement(entries, Measurement.Settings(timeout: 60_000_000_000))
        var schedule = RunSchedule(seed: 1)
        var line = StatusLine()
        defer { line.clear() }
        let meter = NoiseMeter()
        try measurement.run(schedule.rounds(2, of: [[0, 1]]), keeps: false)
        for done in stride(from: 0, to: pairs, by: 2) {
            line.show { "measuring the noise: \(done) of \(pairs) pairs" }
            try measurement.run(schedule.rounds(2, of: [[0, 1]]), keeps: true)
        }
        let (base, head) = (measurement.measured[0], measurement.measured[1])
        return NoiseFloor(
            cpu: Comparison(head, to: base, .cpu).ratio, wall: Comparison(head, to: base, .wall).ratio,
            noise: meter.noise(besides: measurement.processorTime))
    }

    /// The findings, with advice for a gate.
    var findings: [Finding] {
        [
            finding("noise_cpu", "noise of CPU time", cpu, "check"),
            finding("noise_wall", "noise of wall time", wall, "check --metric wall"), others,
        ]
    }

    private func finding(_ key: String, _ name: String, _ ratio: Ratio, _ verb: String) -> Finding {
        let resolution = ratio.resolution ?? .infinity
        var finding = Finding(
            key: key, name: name, value: "±\(fixed(resolution * 100, 1)) % with \(Self.pairs) pairs", number: resolution
        )
        // A gate decides quickly if its limit is at least twice its resolution.
        let least = max(2, (resolution * 200).rounded(.up))
        if resolution > 0.025 {
            finding.state = .warning
            finding.advice = "forkpool \(verb) needs --limit \(fixed(least, 0))% or a quieter machine to decide quickly"
        }
        return finding
    }

    private var others: Finding {
        guard let others = noise.others else { return Finding(key: "others", name: "other load", value: "unknown") }
        var finding = Finding(
            key: "others", name: "other load",
            value: "\(fixed(others, 1)) of \(noise.processors) processors while that was measured", number: others)
        if noise.isContended {
            finding.state = .warning
            finding.advice = "other processes compute: compare CPU time, and expect maps to take longer"
        }
        return finding
    }

    /// Computes, and does nothing else.
    ///
    /// - Parameter count: The number of steps.
    static func spin(_ count: Int) {
        var random = SplitMix64(state: 1)
        var sum: UInt64 = 0
        for _ in 0..<count { sum ^= random.next() }
        // The optimizer cannot look into the C library, so it can neither remove the sum nor delay it.
        srandom(UInt32(truncatingIfNeeded: sum))
    }

    /// Finds the number of steps that take about 5 ms.
    private static func calibrated() -> Int {
        var count = 1000
        while true {
            let (_, seconds) = timed { spin(count) }
            if seconds > 0.002 { return max(1, Int(Double(count) * 0.005 / seconds)) }
            count *= 2
        }
    }
}
#endif
