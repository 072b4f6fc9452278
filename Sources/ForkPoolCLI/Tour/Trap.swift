import ForkPool
import Glibc

/// The global that chapter 5 adds to in the workers; the parent's own stays as it is.
nonisolated(unsafe) private var total = 0

/// Chapter 5: the memory that workers do not share, and the memory that they do.
struct Trap {
    private static let batches = [[1, 2], [3], [4], [5]]

    /// Adds to a global in four workers, then to a shared counter.
    static func run(_ source: TourWorkers, _ narrator: Narrator) throws(ForkPool.Failure) -> JSON {
        narrator.chapter(5, "The trap")
        narrator.prose(
            """
            Workers see the memory as it was at the fork, and what they change is their own.
            Here four workers take a batch each and add it to a global. (Each waits until all
            four have begun, so that none takes two.)
            """
        )
        narrator.code(source == .resident ? residentCode : code)
        let pool = ForkPool(workers: batches.count, options: .init(chunk: .fixed(1)))
        let ((subtotals, later), seconds) = try timed { () throws(ForkPool.Failure) in
            try addToGlobal(pool, source)
        }
        let left = unsafe total
        narrator.result("subtotals in the workers: \(list(subtotals))")
        if let later { narrator.result("after the same map again: \(list(later)), the sum of which is \(sum(later))") }
        narrator.result("total in the parent:      \(left)", seconds: seconds)
        narrator.part("\n")
        if sum(subtotals) != 15 {
            narrator.prose("(The system granted fewer than four workers, so one took two batches.)")
        }
        narrator.prose(
            """
            Nothing was lost by accident: each worker counted in its own copy, and the copies
            \(source == .resident ? "stay with the workers until those go" : "went with them"). Return what you need, or
            count in memory that is shared.
            """
        )
        narrator.code(source == .resident ? residentSharedCode : sharedCode)
        let (shared, sharedSeconds) = try timed { () throws(ForkPool.Failure) in try addToShared(pool, source) }
        narrator.result("total.value:              \(shared)", seconds: sharedSeconds)
        return .chapter(
            5,
            "trap",
            seconds + sharedSeconds,
            subtotals,
            [("subtotals", .integers(subtotals)), ("total", .integer(left)), ("shared_total", .integer(shared))]
                + (later.map { [("later_subtotals", .integers($0))] } ?? [])
        )
    }

    private static func list(_ numbers: [Int]) -> String { numbers.map { String($0) }.joined(separator: ", ") }

    private static func sum(_ numbers: [Int]) -> Int { numbers.reduce(0, +) }

    /// Maps once; by workers that stay a second time.
    private static func addToGlobal(
        _ pool: ForkPool, _ source: TourWorkers
    ) throws(ForkPool.Failure) -> (subtotals: [Int], later: [Int]?) {
        let begun = SharedCounter()
        let add = { (batch: [Int]) in
            // All that begin in one map wait for the last of them.
            let last = (begun.add(1) + batches.count - 1) / batches.count * batches.count
            // Should the system grant fewer workers, those that there are go on after a while.
            let start = ContinuousClock.now
            while begun.value < last, start.secondsSince < 5 { usleep(200) }
            for number in batch { unsafe total += number }
            return unsafe total
        }
        guard source == .resident else { return (try pool.map(batches, add), nil) }
        let adder = try pool.resident(add)
        return (try adder.map(batches), try adder.map(batches))
    }

    private static func addToShared(_ pool: ForkPool, _ source: TourWorkers) throws(ForkPool.Failure) -> Int {
        let total = SharedCounter()
        let add = { (batch: [Int]) in
            for number in batch { total.add(number) }
        }
        if source == .resident {
            try pool.resident(add).forEach(batches)
        } else {
            try pool.forEach(batches, add)
        }
        return total.value
    }
}

// MARK: - The code that is shown

extension Trap {
    private static var code: String {
        """
        var total = 0
        let pool = ForkPool(workers: 4)
        let subtotals = try pool.map([[1, 2], [3], [4], [5]]) { batch in
            for number in batch { total += number }
            return total
        }
        """
    }

    private static var residentCode: String {
        """
        var total = 0
        let pool = ForkPool(workers: 4)
        let adder = try pool.resident { (batch: [Int]) in
            for number in batch { total += number }
            return total
        }
        let subtotals = try adder.map([[1, 2], [3], [4], [5]])
        let later = try adder.map([[1, 2], [3], [4], [5]])
        """
    }

    private static var sharedCode: String {
        """
        let total = SharedCounter()
        try pool.forEach([[1, 2], [3], [4], [5]]) { batch in
            for number in batch { total.add(number) }
        }
        """
    }

    private static var residentSharedCode: String {
        """
        let total = SharedCounter()
        let adder = try pool.resident { (batch: [Int]) in
            for number in batch { total.add(number) }
        }
        try adder.forEach([[1, 2], [3], [4], [5]])
        """
    }
}
