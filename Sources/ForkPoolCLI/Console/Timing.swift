// SPDX-License-Identifier: Apache-2.0
#if Command
import Glibc

/// Runs work, and returns its value and the seconds that it took.
func timed<T, E: Error>(_ work: () throws(E) -> T) throws(E) -> (value: T, seconds: Double) {
    let start = ContinuousClock.now
    let value = try work()
    return (value, start.secondsSince)
}

extension ContinuousClock.Instant {
    /// The seconds from this instant until now.
    var secondsSince: Double {
        let (seconds, attoseconds) = (ContinuousClock.now - self).components
        return Double(seconds) + Double(attoseconds) / 1e18
    }
}

/// Returns the nanoseconds of the monotonic clock.
func now() -> Int { nanoseconds(of: CLOCK_MONOTONIC) }

/// Returns the nanoseconds of a clock (`clock_gettime`).
func nanoseconds(of clock: clockid_t) -> Int {
    var time = timespec()
    unsafe clock_gettime(clock, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
}
#endif
