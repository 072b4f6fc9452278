// SPDX-License-Identifier: Apache-2.0
/// Counts how often a pool's workers were replaced lately.
struct RestartLog {
    private let intensity: ForkPool.Options.RestartIntensity?
    /// When the last ones were, in nanoseconds of the monotonic clock: as many as may be within the time.
    private var times: [Int] = []

    init(_ intensity: ForkPool.Options.RestartIntensity?) {
        self.intensity = intensity
    }

    /// Records a replacement; returns the intensity that it exceeds, if it does.
    mutating func excess(at now: Int) -> ForkPool.Options.RestartIntensity? {
        guard let intensity else { return nil }
        let time = intensity.time.nanoseconds
        times.removeAll { now - $0 >= time }
        guard times.count < intensity.restarts else { return intensity }
        times.append(now)
        return nil
    }
}
