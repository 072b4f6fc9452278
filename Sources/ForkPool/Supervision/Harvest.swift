internal import Synchronization

/// Reads, when no worker is on a map any more, what they said of the items that have no result.
struct Harvest {
    let memory: ResultMemory
    let machine: MapMachine
    /// Where each chain of reports begins: its newest one's offset plus one, or 0.
    let newestReports: [Int]

    /// A failure for each item that has none but its own to blame for having no result.
    ///
    /// - Complexity: O(items), at some eight items a nanosecond while nothing failed.
    func failures() -> [Int: ForkPool.Failure] {
        let count = memory.count
        var failures: [Int: ForkPool.Failure] = [:]
        guard !memory.isComplete else { return failures }
        let reports = self.reports()
        var needless: Int?
        for item in 0..<count {
            switch unsafe memory.states[item].load(ordering: .acquiring) {
            case ItemState.value: continue
            case ItemState.failed, ItemState.described:
                failures[item] = reports[item].map { counted(ForkPool.Failure($0, item)) } ?? .reportMissing(item)
            case ItemState.lost:
                failures[item] =
                    (machine.causes[item] ?? machine.ending).map { counted(ForkPool.Failure($0, item)) }
                    ?? .corrupted(item, "its state is damaged")
            case ItemState.unfinished:
                if let cause = machine.causes[item] {
                    failures[item] = counted(ForkPool.Failure(cause, item))
                } else if machine.ending != nil {
                    // What ended the map is the failure of all of these: there may be millions.
                    continue
                } else if item < machine.lowestFailure {
                    failures[item] = .corrupted(item, "its worker's line of the scoreboard is damaged")
                } else if needless == nil {
                    needless = item
                }
            default:
                failures[item] = .corrupted(item, "its state is damaged")
            }
        }
        // Nothing was needless without a failure: a worker claimed one that never was.
        if failures.isEmpty, let needless {
            failures[needless] = .corrupted(needless, "the lowest failure is damaged")
        }
        return failures
    }

    /// The failure of one item, or nil if it has none of its own to blame.
    ///
    /// - Complexity: O(reports).
    func failure(of item: Int) -> ForkPool.Failure? {
        switch unsafe memory.states[item].load(ordering: .acquiring) {
        case ItemState.failed, ItemState.described:
            reports()[item].map { counted(ForkPool.Failure($0, item)) } ?? .reportMissing(item)
        case ItemState.lost, ItemState.unfinished:
            (machine.causes[item] ?? machine.ending).map { counted(ForkPool.Failure($0, item)) }
        default: nil
        }
    }

    /// The failure, with the number of its attempt.
    private func counted(_ failure: ForkPool.Failure) -> ForkPool.Failure {
        var failure = failure
        if let item = failure.index { failure.attempt = machine.attempt(at: item) }
        return failure
    }

    /// The newest report of an item, or of what stands for one.
    func report(of item: Int) -> Report? { reports()[item] }

    /// The newest report of each item, from every chain.
    private func reports() -> [Int: Report] {
        var reports: [Int: Report] = [:]
        for newest in newestReports {
            var next = newest &- 1
            // A damaged chain may come back to where it was.
            var seen: Set<Int> = []
            // A worker writes two reports of an item at most.
            while next >= 0, seen.count < 2 * memory.count + 2, seen.insert(next).inserted,
                let head = unsafe memory.bytes(offset: next, length: MemoryLayout<ReportLink>.size)
            {
                let link = unsafe head.loadUnaligned(as: ReportLink.self)
                let start = next + MemoryLayout<ReportLink>.size
                if reports[link.item] == nil, let bytes = unsafe memory.bytes(offset: start, length: link.length) {
                    reports[link.item] = unsafe try? BinaryDecoder.decode(Report.self, fromShared: bytes)
                }
                next = link.previous &- 1
            }
        }
        return reports
    }
}
