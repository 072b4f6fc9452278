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
    /// The longest sleeps, in nanoseconds: while something is expected, and after a tenth of a second without anything.
    private static let longest = 200_000
    private static let idle = 1_000_000

    private var count = 0
    private var slept = 0

    /// The next sleep, in nanoseconds; 0 for none.
    mutating func next() -> Int {
        count += 1
        guard count > Self.looks else { return 0 }
        let time = slept > 100_000_000 ? Self.idle : min(Self.longest, Self.shortest + slept / 8)
        slept += time
        return time
    }

    mutating func pause() {
        let time = next()
        if time > 0 { Self.sleep(time) } else { sched_yield() }
    }

    mutating func reset() { self = Backoff() }

    static func sleep(_ nanoseconds: Int) {
        var time = timespec(tv_sec: nanoseconds / 1_000_000_000, tv_nsec: nanoseconds % 1_000_000_000)
        unsafe nanosleep(&time, nil)
    }
}
