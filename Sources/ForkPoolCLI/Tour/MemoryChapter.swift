// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool
import Glibc

/// The global to which the workers of chapter 5 add; the one in the parent does not change.
nonisolated(unsafe) private var total = 0

/// Chapter 5: the memory that workers do not share, and the memory that they do.
struct MemoryChapter {
    private static let numbers = [3, 2, 9, 1]
    private static let workers = 2

    /// What one call of `increment` found: the worker that ran it, and its total so far.
    private typealias Increment = (worker: Int, total: Int)

    /// Adds to a global in two workers, then to a shared counter.
    static func run(_ source: TourWorkers, _ printer: TourPrinter) throws(ForkPool.Failure) -> JSON {
        printer.chapter(5, "The trap")
        printer.prose(
            """
            A worker has a copy of the memory at the time of the fork, and changes only its
            copy. Here two workers add four numbers to a global, and print what it has then.
            (They take the numbers in turn, so that both have some.)
            """
        )
        printer.code(source == .resident ? residentCode : code)
        let pool = ForkPool(workers: workers, options: .init(chunk: .fixed(1)))
        let ((first, later), seconds) = try timed { () throws(ForkPool.Failure) in
            try incrementGlobal(pool, source, printer)
        }
        let left = unsafe total
        printer.result("total in the parent: \(left)", seconds: seconds)
        printer.part("\n")
        if Set(first.map(\.worker)).count != workers {
            printer.prose("(The system allowed one worker only, which took all numbers.)")
        }
        printer.prose(
            """
            This is no accident: each worker counted in its own copy, and the copies
            \(source == .resident ? "stay in the workers until those end" : "ended with them"). The way out is to count
            in memory that parent and workers share:
            """
        )
        printer.code(source == .resident ? residentSharedCode : sharedCode)
        let ((shared, subtotals), sharedSeconds) = try timed { () throws(ForkPool.Failure) in
            try incrementShared(pool, source, printer)
        }
        printer.result("total.value in the parent: \(shared)", seconds: sharedSeconds)
        printer.part("\n")
        printer.prose("Or return a result from each call, as in chapters 3 and 4, and add up in the parent.")
        return .chapter(
            5,
            "trap",
            seconds + sharedSeconds,
            first.map(\.total),
            [
                ("subtotals", .integers(first.map(\.total))), ("subtotal_workers", .integers(first.map(\.worker))),
                ("total", .integer(left)),
                ("shared_subtotals", .integers(subtotals)), ("shared_total", .integer(shared)),
            ]
                + (later.map {
                    [
                        ("later_subtotals", .integers($0.map(\.total))),
                        ("later_subtotal_workers", .integers($0.map(\.worker))),
                    ]
                } ?? [])
        )
    }

    /// Waits until each worker has begun a call of this round.
    private static func takeTurns(_ begun: SharedCounter) {
        let last = (begun.add(1) + workers - 1) / workers * workers
        // If the system allows one worker only, go on after a while.
        let start = ContinuousClock.now
        while begun.value < last, start.secondsSince < 5 { usleep(200) }
    }

    /// Maps once; resident workers map a second time.
    private static func incrementGlobal(
        _ pool: ForkPool, _ source: TourWorkers, _ printer: TourPrinter
    ) throws(ForkPool.Failure) -> (first: [Increment], later: [Increment]?) {
        let begun = SharedCounter()
        let increment = { (number: Int) -> Increment in
            takeTurns(begun)
            unsafe total += number
            let worker = ForkPool.worker?.index ?? 0
            printer.result("worker \(worker): sub total so far \(unsafe total)")
            return (worker, unsafe total)
        }
        guard source == .resident else { return (try pool.map(numbers, increment), nil) }
        let adder = try pool.resident(increment)
        let first = try adder.map(numbers)
        printer.result("and the same map again, in the same workers:")
        return (first, try adder.map(numbers))
    }

    /// Counts in shared memory; returns the total and what each call saw.
    private static func incrementShared(
        _ pool: ForkPool, _ source: TourWorkers, _ printer: TourPrinter
    ) throws(ForkPool.Failure) -> (total: Int, subtotals: [Int]) {
        let total = SharedCounter()
        let begun = SharedCounter()
        let increment = { (number: Int) -> Int in
            takeTurns(begun)
            let subtotal = total.add(number)
            printer.result("worker \(ForkPool.worker?.index ?? 0): sub total so far \(subtotal)")
            return subtotal
        }
        let subtotals =
            source == .resident ? try pool.resident(increment).map(numbers) : try pool.map(numbers, increment)
        return (total.value, subtotals)
    }
}

// MARK: - The code that is shown

extension MemoryChapter {
    private static let increment = """
        var total = 0
        func increment(_ number: Int) {
            total += number
            print("worker \\(ForkPool.worker!.index): sub total so far \\(total)")
        }
        let pool = ForkPool(workers: 2)
        """

    private static var code: String {
        increment + """

            try pool.forEach([3, 2, 9, 1]) { number in increment(number) }
            print("total in the parent: \\(total)")
            """
    }

    private static var residentCode: String {
        increment + """

            let adder = try pool.resident(increment)
            try adder.forEach([3, 2, 9, 1])
            try adder.forEach([3, 2, 9, 1])
            print("total in the parent: \\(total)")
            """
    }

    private static var sharedCode: String {
        """
        let total = SharedCounter()
        try pool.forEach([3, 2, 9, 1]) { number in
            let subtotal = total.add(number)
            print("worker \\(ForkPool.worker!.index): sub total so far \\(subtotal)")
        }
        print("total.value in the parent: \\(total.value)")
        """
    }

    private static var residentSharedCode: String {
        """
        let total = SharedCounter()
        let adder = try pool.resident { (number: Int) in
            let subtotal = total.add(number)
            print("worker \\(ForkPool.worker!.index): sub total so far \\(subtotal)")
        }
        try adder.forEach([3, 2, 9, 1])
        print("total.value in the parent: \\(total.value)")
        """
    }
}
#endif
