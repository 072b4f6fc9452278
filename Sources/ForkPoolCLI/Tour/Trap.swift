import ForkPool
import Glibc

/// The global that chapter 5 adds to in the workers; the parent's own stays as it is.
nonisolated(unsafe) private var total = 0

/// Chapter 5: the memory that workers do not share, and the memory that they do.
struct Trap {
    private static let batches = [[1, 2], [3], [4], [5]]

    /// Adds to a global in four workers, then to a shared counter.
    static func run(_ narrator: Narrator) throws(ForkPool.Failure) -> JSON {
        narrator.chapter(5, "The trap")
        narrator.prose(
            """
            Workers see the memory as it was at the fork, and what they change is their own.
            Here four workers take a batch each and add it to a global. (Each waits until all
            four have begun, so that none takes two.)
            """
        )
        narrator.code(
            """
            var total = 0
            let pool = ForkPool(workers: 4)
            let subtotals = try pool.map([[1, 2], [3], [4], [5]]) { batch in
                for number in batch { total += number }
                return total
            }
            """
        )
        let pool = ForkPool(workers: batches.count, options: .init(chunk: .fixed(1)))
        let (subtotals, seconds) = try timed { () throws(ForkPool.Failure) in try addToGlobal(pool) }
        let left = unsafe total
        narrator.result("subtotals in the workers: \(subtotals.map { String($0) }.joined(separator: ", "))")
        narrator.result("total in the parent:      \(left)", seconds: seconds)
        narrator.part("\n")
        if subtotals.reduce(0, +) != 15 {
            narrator.prose("(The system granted fewer than four workers, so one took two batches.)")
        }
        narrator.prose(
            """
            Nothing was lost by accident: each worker counted in its own copy, and the copies
            went with them. Return what you need, or count in memory that is shared.
            """
        )
        narrator.code(
            """
            let total = SharedCounter()
            try pool.forEach([[1, 2], [3], [4], [5]]) { batch in
                for number in batch { total.add(number) }
            }
            """
        )
        let (shared, sharedSeconds) = try timed { () throws(ForkPool.Failure) in
            let total = SharedCounter()
            try pool.forEach(batches) { batch in
                for number in batch { total.add(number) }
            }
            return total.value
        }
        narrator.result("total.value:              \(shared)", seconds: sharedSeconds)
        return .chapter(
            5,
            "trap",
            seconds + sharedSeconds,
            subtotals,
            [("subtotals", .integers(subtotals)), ("total", .integer(left)), ("shared_total", .integer(shared))]
        )
    }

    private static func addToGlobal(_ pool: ForkPool) throws(ForkPool.Failure) -> [Int] {
        let begun = SharedCounter()
        return try pool.map(batches) { batch in
            begun.add(1)
            // Should the system grant fewer workers, those that there are go on after a while.
            let start = ContinuousClock.now
            while begun.value < batches.count, start.secondsSince < 5 { usleep(200) }
            for number in batch { unsafe total += number }
            return unsafe total
        }
    }
}
