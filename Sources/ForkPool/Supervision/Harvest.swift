internal import Synchronization

/// Reads, when every worker is gone, what they said of the items that have no result.
struct Harvest {
    let memory: MapMemory
    let machine: MapMachine

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
            case ItemState.failed:
                failures[item] = reports[item].map { ForkPool.Failure($0, item) } ?? .reportMissing(item)
            case ItemState.unfinished:
                if let cause = machine.causes[item] {
                    failures[item] = ForkPool.Failure(cause, item)
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

    /// The newest report of each item, from every worker's chain.
    private func reports() -> [Int: Report] {
        var reports: [Int: Report] = [:]
        for worker in 0..<memory.workers {
            var next = unsafe memory.line(worker).newestReport.pointee.load(ordering: .acquiring) &- 1
            // Each link lies before the one that names it, so a damaged chain ends too.
            while next >= 0, let head = unsafe memory.bytes(offset: next, length: MemoryLayout<ReportLink>.size) {
                let link = unsafe head.loadUnaligned(as: ReportLink.self)
                let start = next + MemoryLayout<ReportLink>.size
                if reports[link.item] == nil, let bytes = unsafe memory.bytes(offset: start, length: link.length) {
                    reports[link.item] = unsafe try? BinaryDecoder.decode(Report.self, from: bytes)
                }
                guard link.previous &- 1 < next else { break }
                next = link.previous &- 1
            }
        }
        return reports
    }
}
