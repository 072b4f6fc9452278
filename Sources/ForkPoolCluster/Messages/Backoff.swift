// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// How long a rank sleeps between two looks for messages: MPI has nothing that a thread could sleep on.
///
/// The first looks follow each other at once, some microseconds long: a message that is on its way is taken up. Workers may have the
/// processor after that.
struct Backoff {
    /// The looks without a sleep.
    private static let looks = 10
    private static let shortest = 5_000
    /// The longest sleep while something is expected, in nanoseconds; it is five times as long after a tenth of a second.
    static let longest = 200_000

    private var count = 0
    private var slept = 0
    private let longest: Int

    /// - Parameter longest: The longest sleep while something is expected, in nanoseconds.
    init(longest: Int = Backoff.longest) {
        self.longest = longest
    }

    /// For what is on its way in any case: memory that is being sent or received.
    static var short: Backoff { Backoff(longest: 20_000) }

    /// The next sleep, in nanoseconds; 0 for none.
    mutating func next() -> Int {
        count += 1
        guard count > Self.looks else { return 0 }
        let time = slept > 100_000_000 ? 5 * longest : min(longest, Self.shortest + slept / 8)
        slept += time
        return time
    }

    mutating func pause() {
        let time = next()
        if time > 0 { Self.sleep(time) } else { sched_yield() }
    }

    mutating func reset() { self = Backoff(longest: longest) }

    static func sleep(_ nanoseconds: Int) {
        var time = timespec(tv_sec: nanoseconds / 1_000_000_000, tv_nsec: nanoseconds % 1_000_000_000)
        unsafe nanosleep(&time, nil)
    }
}
