// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The monotonic clock in nanoseconds.
package func monotonicNanoseconds() -> Int {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
}

extension Duration {
    /// The nanoseconds, limited to a hundred years so that adding them to a time cannot overflow.
    var nanoseconds: Int {
        let most = Int64(100 * 366 * 86_400)
        guard components.seconds < most else { return Int(most) * 1_000_000_000 }
        guard components.seconds > -most else { return Int(-most) * 1_000_000_000 }
        return Int(components.seconds) * 1_000_000_000 + Int(components.attoseconds / 1_000_000_000)
    }
}
