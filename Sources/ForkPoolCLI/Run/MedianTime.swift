// SPDX-License-Identifier: Apache-2.0
#if Command
/// The median of the times that jobs took.
struct MedianTime {
    /// How many times are needed, and how many are kept: more would not change the median much.
    private static let needed = 3
    private static let most = 999
    /// In ascending order.
    private var times: [Int] = []

    /// Adds a time in nanoseconds.
    mutating func add(_ time: Int) {
        guard times.count < Self.most else { return }
        var (low, high) = (0, times.count)
        while low < high {
            let middle = (low + high) / 2
            if times[middle] < time { low = middle + 1 } else { high = middle }
        }
        times.insert(time, at: low)
    }

    /// The median; nil if there are fewer than three times.
    var value: Int? { times.count < Self.needed ? nil : times[times.count / 2] }
}
#endif
