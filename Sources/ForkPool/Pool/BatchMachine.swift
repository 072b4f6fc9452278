// SPDX-License-Identifier: Apache-2.0
/// Decides what becomes of a batch's items when a worker ends, an item fails, or the caller cancels.
///
/// A pure state machine: it knows no process and no memory. `Pool` tells it what it read and carries out what it returns.
struct BatchMachine {
    enum Action: Equatable {
        /// The worker's successor first runs `range`, which is the given attempt at its first item, after `pause`
        /// nanoseconds.
        case rerun(Range<Int>, attempt: Int, pause: Int)
        /// Nothing above this item is begun; what runs below it finishes.
        case stopAbove(Int)
        /// Nothing is begun any more.
        case stop
    }

    /// The batch gives up when this many workers in a row died without having claimed anything.
    static let mostFailedStarts = 32
    /// How often a batch whose lowest failure is known is looked at again, at the least, in nanoseconds.
    private static let reviewTime = 2_000_000
    /// The time to the second look where the first one kills: a claim that was being published at the first is seen then.
    private static let secondLookTime = 100_000

    private(set) var count: Int
    let stopsAtFailure: Bool
    private let policy: RetryPolicy
    /// How long an item may take, in nanoseconds; the machine only names it.
    private let timeout: Int
    /// For how long workers on needless items may go on, in nanoseconds.
    private let grace: Int

    /// Why items have no result whose workers did not say so themselves.
    private(set) var causes: [Int: FailureCause] = [:]
    /// The lowest index that failed, where that ends the batch.
    private(set) var lowestFailure = Int.max
    /// What ended the batch as a whole: the failure of every item without an outcome.
    private(set) var ending: FailureCause?

    /// The attempts at the items that were begun more than once.
    private var attempts: [Int: Int] = [:]
    private var failedStarts = 0
    /// The fewest items that a sweep found lost, and how many sweeps since then found as many.
    private var fewestLost = Int.max
    private var vainSweeps = 0
    /// The first item of the remaining range that each successor was given.
    private var firstItems: [Int: Int] = [:]
    /// The first item that the batch slot offers, and how many workers may end until the offer is withdrawn.
    private var offered = 0
    private var exitsLeft = 0
    /// The exits that all offers of the pool allowed, when this batch last heard of them.
    private var allowed = 0
    /// How many offers were withdrawn since items got done, and how many at most: what undoes the claims of one undoes those
    /// of the next.
    private var isWithdrawn = false
    private var withdrawals = 0
    private static let mostWithdrawals = 2
    /// How often an item was handed on because its worker ended without having begun it, as its record said.
    private var unbegun: [Int: Int] = [:]
    /// After so many times it counts as begun: the record is damaged.
    private static let mostUnbegun = 2
    /// Workers that were inside of the batch by its own set, and elsewhere by their records.
    private var absent: Set<Int> = []
    /// Since when items above a failure are needless, and when to look at them again, in nanoseconds.
    private var failingSince: Int?
    private(set) var nextReview: Int?

    init(count: Int, stopsAtFailure: Bool, policy: RetryPolicy = .none, timeout: Int = 0, grace: Int = 0) {
        self.count = count
        self.stopsAtFailure = stopsAtFailure
        self.policy = policy
        self.timeout = timeout
        self.grace = grace
    }

    /// The end of the items that are to be run: a known failure that ends the batch makes those above it needless.
    var end: Int { min(count, lowestFailure) }

    func attempt(at item: Int) -> Int { attempts[item] ?? 1 }

    /// Adds an item to a batch that is not offered yet; returns its number.
    mutating func addItem() -> Int {
        defer { count += 1 }
        return count
    }

    // MARK: - Failures and ends

    /// Records why an item has no result although no worker ran it.
    mutating func reject(_ item: Int, _ cause: FailureCause) {
        causes[item] = cause
        _ = failed(item)
    }

    /// Records a failure; where it ends the batch, everything above is needless.
    mutating func failed(_ item: Int) -> Action? {
        guard stopsAtFailure, item < lowestFailure else { return nil }
        lowestFailure = item
        return .stopAbove(item)
    }

    /// Ends the batch as a whole; the first cause stays.
    @discardableResult
    mutating func end(_ cause: FailureCause) -> Action {
        guard ending == nil else { return .stop }
        ending = cause
        if case .overdue(let time) = cause {
            // One that runs at this moment gets another cause with its worker's exit.
            for item in attempts.keys where causes[item] == nil { causes[item] = .overdueAgain(time) }
        }
        return .stop
    }

    /// Drops what ended the batch, which came too late: every item has its result.
    mutating func forgetEnding() {
        ending = nil
    }

    // MARK: - The exit of a worker

    /// Checks what the record of a worker that ended says of its claim; `hasBegun` is true where items are not timed.
    func snapshot(
        of worker: Int, position: Int, end: Int, finished: Bool, isUnfinished: (Int) -> Bool, hasBegun: Bool
    ) -> ClaimSnapshot {
        // A record that lies before the worker's first item is damaged, and would be handed out for ever.
        guard position >= firstItems[worker] ?? 0, position < end, end <= count else {
            return ClaimSnapshot(finished: finished, claimed: false)
        }
        let isLost = isUnfinished(position)
        let hasBegun = hasBegun || unbegun[position, default: 0] >= Self.mostUnbegun
        let rest = (isLost && !hasBegun ? position : position + 1)..<end
        return ClaimSnapshot(
            finished: finished, item: isLost && hasBegun ? position : nil, remaining: rest.isEmpty ? nil : rest,
            claimed: true)
    }

    /// Decides what a worker's exit means for the items that it had claimed; `exit` gets the pool's cause if it has one.
    mutating func exited(
        _ worker: Int, _ exit: inout ProcessExit, _ claim: ClaimSnapshot, killedFor reason: KillReason?
    ) -> Action? {
        attribute(&exit, claim, reason)
        if case .overdue(let time)? = ending, let item = claim.item, !claim.finished {
            if exit.cause == nil, exit.mayBeByPool { exit.cause = .deadline(time) }
            causes[item] = .ended(exit)
            return nil
        }
        guard !claim.finished, reason != .needless, ending == nil else { return nil }
        // The kill raced with the item's end; do not count it as a crash.
        let isLateKill = reason != nil && exit.cause == nil && exit.mayBeByPool
        if !isLateKill { failedStarts = claim.claimed ? 0 : failedStarts + 1 }
        guard failedStarts < Self.mostFailedStarts else {
            ending = .unreachable(exit)
            return .stop
        }
        if let item = claim.item, !isLateKill {
            if item < lowestFailure, policy.allows(after: exit, attempt: attempt(at: item)) {
                attempts[item] = attempt(at: item) + 1
                return rerun(worker, item..<(claim.remaining?.upperBound ?? item + 1), pause: policy.pause)
            }
            causes[item] = .ended(exit)
            if stopsAtFailure { return failed(item) }
        }
        guard let remaining = isLateKill ? claim.unfinished : claim.remaining else { return nil }
        if claim.item == nil { unbegun[remaining.lowerBound, default: 0] += 1 }
        return rerun(worker, remaining, pause: 0)
    }

    private mutating func rerun(_ worker: Int, _ range: Range<Int>, pause: Int) -> Action {
        firstItems[worker] = range.lowerBound
        return .rerun(range, attempt: attempt(at: range.lowerBound), pause: pause)
    }

    /// Names the pool's cause; a worker that ended by itself before the kill, or on another item, keeps its own.
    private func attribute(_ exit: inout ProcessExit, _ claim: ClaimSnapshot, _ reason: KillReason?) {
        switch reason {
        case .overdue(let item) where item == claim.item && exit.mayBeByPool: exit.cause = .timeout(timeout)
        case .deadlocked: exit.cause = .deadlock
        case .overdue, .needless, nil: break
        }
    }

    // MARK: - Offers

    /// Begins an offer.
    ///
    /// - Parameters:
    ///   - start: The first item.
    ///   - others: How many workers may end for the other batches that are open.
    ///   - allowed: How many workers may end for all offers that the pool ever made, this one included.
    mutating func offer(from start: Int, besides others: Int = 0, allowed: Int = 0) {
        offered = start
        exitsLeft = Self.mostExits(of: count, retries: policy.retries)
        addExits(others)
        self.allowed = allowed
        isWithdrawn = false
        firstItems = [:]
    }

    /// Decides, when a worker has ended, whether the offer stands.
    ///
    /// A body that turns the cursor back again and again would have workers started for ever. Workers that end for other
    /// batches do not count against it.
    mutating func keepsOffer(cursor: Int, allowed: Int = 0) -> Bool {
        addExits(allowed &- self.allowed)
        self.allowed = allowed
        exitsLeft -= 1
        let keeps = exitsLeft >= 0 && cursor >= offered
        if !keeps, !isWithdrawn {
            isWithdrawn = true
            withdrawals += 1
        }
        return keeps
    }

    private mutating func addExits(_ others: Int) {
        let (sum, overflow) = exitsLeft.addingReportingOverflow(max(0, others))
        exitsLeft = overflow ? .max : sum
    }

    /// How many workers may end for an offer of the batch, as other batches count them: a number of which many can be added.
    var exitsForOthers: Int { min(Self.mostExits(of: count, retries: policy.retries), 1 << 32) }

    /// This many workers may end before `count` items are done: each has one item behind it, or is one of a few.
    static func mostExits(of count: Int, retries: Int?) -> Int {
        let attempts = min(retries ?? RetryPolicy.deadlockRetries, .max / 2) + 1
        let (exits, overflow) = (2 * min(count, .max / 4)).multipliedReportingOverflow(by: attempts)
        return overflow ? .max - 64 : min(exits, .max - 128) + 64
    }

    /// Chooses what to offer once more of the ranges without an outcome, which ascend; nil if it is in vain.
    ///
    /// Workers that died before they could publish their claim leave such items, and so does a refused start.
    mutating func sweep(_ lost: [Range<Int>]) -> (range: Range<Int>, attempt: Int)? {
        guard ending == nil, let first = lost.first else { return nil }
        // Each sweep leaves fewer items, but for deaths before an item began. A body that undoes what others publish
        // would keep sweeps going for ever.
        let items = lost.reduce(0) { $0 + $1.count }
        if items < fewestLost { (vainSweeps, withdrawals) = (0, 0) } else { vainSweeps += 1 }
        fewestLost = min(fewestLost, items)
        guard vainSweeps < Self.mostFailedStarts, withdrawals <= Self.mostWithdrawals else { return nil }
        let attempt = attempt(at: first.lowerBound)
        // Every worker takes what it claims for the same attempt, so the range ends before an item of another one.
        guard attempt == 1 else { return (first.lowerBound..<first.lowerBound + 1, attempt) }
        let end = attempts.isEmpty ? nil : first.first { attempts[$0] != nil }
        return (first.lowerBound..<(end ?? first.upperBound), 1)
    }

    // MARK: - Reviews

    /// Decides whether workers on items that a failure or a cancellation made needless are to be killed now.
    mutating func killsNeedless(hasFailed: Bool, at now: Int) -> Bool {
        guard hasFailed else {
            failingSince = nil
            nextReview = nil
            return false
        }
        let reviewTime = failingSince == nil && grace == 0 ? Self.secondLookTime : Self.reviewTime
        // A cancelled batch has no time left.
        let since = ending == nil ? failingSince ?? now : now - grace
        failingSince = since
        // Items below may take any time: look less and less often.
        nextReview = now + max(reviewTime, now - since)
        return now - since >= grace
    }

    mutating func strays(_ absent: [Int]) -> [Int] {
        defer { self.absent = Set(absent) }
        return absent.filter(self.absent.contains)
    }
}

/// What the record of a worker that ended says of its claim, checked: every index lies within the batch.
struct ClaimSnapshot: Equatable {
    /// Whether the worker left its loop by itself.
    var finished: Bool
    /// The item that it had begun without an outcome.
    var item: Int?
    /// What it had claimed and not begun.
    var remaining: Range<Int>?
    /// Whether it had claimed anything since it was started.
    var claimed: Bool

    /// Everything that it had claimed and that has no outcome.
    var unfinished: Range<Int>? {
        guard let item else { return remaining }
        return item..<(remaining?.upperBound ?? item + 1)
    }
}
