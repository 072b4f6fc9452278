// SPDX-License-Identifier: Apache-2.0

/// The time in which this process looks for what is to come.
///
/// A process that was stopped, or did something else, has not looked in vain: what came meanwhile is not late. So the time
/// between two looks counts as a tenth of the limit at most.
struct LookClock {
    private let read: () -> Int
    private let most: Int
    private var last: Int
    private var leftOut = 0

    /// - Parameters:
    ///   - limit: How long is waited, in nanoseconds; nil if all time counts.
    ///   - read: A clock in nanoseconds.
    init(limit: Int?, _ read: @escaping () -> Int) {
        self.read = read
        most = limit.map { $0 / 10 } ?? .max
        last = read()
    }

    /// The time of a look, in nanoseconds.
    mutating func now() -> Int {
        let time = read()
        leftOut += max(0, time - last - most)
        last = time
        return time - leftOut
    }
}
