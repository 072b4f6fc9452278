// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool
import Glibc

/// The global to which the workers of chapter 5 add; the one in the parent does not change.
nonisolated(unsafe) private var total = 0

/// Chapter 5: the memory that workers do not share, and the memory that they do.
struct MemoryChapter {
    private static let batches = [[1, 2], [3], [4], [5]]

    /// Adds to a global in four workers, then to a shared counter.
    static func run(_ source: TourWorkers, _ printer: TourPrinter) throws(ForkPool.Failure) -> JSON {
        printer.chapter(5, "The trap")
        printer.prose(
            """
            A worker has a copy of the memory at the time of the fork, and changes only its
            copy. Here four workers add a batch each to a global. (Each waits until all four
            have started, so that none takes two batches.)
            """
        )
        printer.code(source == .resident ? residentCode : code)
        let pool = ForkPool(workers: batches.count, options: .init(chunk: .fixed(1)))
        let ((subtotals, later), seconds) = try timed { () throws(ForkPool.Failure) in
            try addToGlobal(pool, source)
        }
        let left = unsafe total
        printer.result("subtotals in the workers: \(list(subtotals))")
        if let later { printer.result("after the same map again: \(list(later)), with the sum \(sum(later))") }
        printer.result("total in the parent:      \(left)", seconds: seconds)
        printer.part("\n")
        if sum(subtotals) != 15 {
            printer.prose("(The system allowed fewer than four workers, so one took two batches.)")
        }
        printer.prose(
            """
            This is no accident: each worker counted in its own copy, and the copies
            \(source == .resident ? "stay in the workers until those end" : "ended with them"). Return the results, or
            count in shared memory.
            """
        )
        printer.code(source == .resident ? residentSharedCode : sharedCode)
        let (shared, sharedSeconds) = try timed { () throws(ForkPool.Failure) in try addToShared(pool, source) }
        printer.result("total.value:              \(shared)", seconds: sharedSeconds)
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

    /// Maps once; resident workers map a second time.
    private static func addToGlobal(
        _ pool: ForkPool, _ source: TourWorkers
    ) throws(ForkPool.Failure) -> (subtotals: [Int], later: [Int]?) {
        let begun = SharedCounter()
        let add = { (batch: [Int]) in
            // Each item waits until all items of this map have started.
            let last = (begun.add(1) + batches.count - 1) / batches.count * batches.count
            // If the system allows fewer workers, go on after a while.
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

extension MemoryChapter {
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
#endif
