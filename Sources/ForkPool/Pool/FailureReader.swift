// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Reads, when no worker is on a map any more, what they said of the items that have no result.
struct FailureReader {
    let memory: ResultMemory
    let machine: BatchMachine
    /// Where the chain of errors begins: the newest one's offset plus one, or 0.
    let newestError: Int

    /// A failure for each item that has none but its own to blame for having no result.
    ///
    /// - Complexity: O(items), at some eight items a nanosecond while nothing failed.
    func failures() -> [Int: ForkPool.Failure] {
        var failures: [Int: ForkPool.Failure] = [:]
        guard !memory.isComplete else { return failures }
        let errors = errors()
        var needless: Int?
        for item in 0..<memory.count {
            let state = unsafe memory.states[item].load(ordering: .acquiring)
            if state == ItemState.value { continue }
            // What ended the map is the failure of all of these: there may be millions.
            if machine.ending != nil, state == ItemState.unfinished, machine.causes[item] == nil { continue }
            if let failure = failure(of: item, state, errors) {
                failures[item] = failure
            } else if state != ItemState.unfinished {
                failures[item] = .corrupted(item, "its state is damaged")
            } else if item < machine.lowestFailure {
                failures[item] = .corrupted(item, "its worker's line of the scoreboard is damaged")
            } else if needless == nil {
                needless = item
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
    /// - Complexity: O(errors).
    func failure(of item: Int) -> ForkPool.Failure? {
        failure(of: item, unsafe memory.states[item].load(ordering: .acquiring), errors())
    }

    private func failure(
        of item: Int, _ state: UInt8, _ errors: @autoclosure () -> [Int: WorkerError]
    ) -> ForkPool.Failure? {
        switch state {
        case ItemState.failed, ItemState.described:
            errors()[item].map { counted(ForkPool.Failure($0, item)) } ?? .errorMissing(item)
        case ItemState.lost, ItemState.unfinished:
            (machine.causes[item] ?? machine.ending).map { counted(ForkPool.Failure($0, item)) }
        default: nil
        }
    }

    private func counted(_ failure: ForkPool.Failure) -> ForkPool.Failure {
        var failure = failure
        if let item = failure.index { failure.attempt = machine.attempt(at: item) }
        return failure
    }

    /// The newest error of each item.
    private func errors() -> [Int: WorkerError] {
        var errors: [Int: WorkerError] = [:]
        var next = newestError &- 1
        // A damaged chain may come back to where it was.
        var seen: Set<Int> = []
        // A worker writes two errors of an item at most.
        while next >= 0, seen.count < 2 * memory.count + 2, seen.insert(next).inserted,
            let head = unsafe memory.bytes(offset: next, length: MemoryLayout<WorkerErrorLink>.size)
        {
            let link = unsafe head.loadUnaligned(as: WorkerErrorLink.self)
            let start = next + MemoryLayout<WorkerErrorLink>.size
            if errors[link.item] == nil, let bytes = unsafe memory.bytes(offset: start, length: link.length) {
                errors[link.item] = unsafe try? BinaryDecoder.decode(WorkerError.self, from: bytes)
            }
            next = link.previous &- 1
        }
        return errors
    }
}
