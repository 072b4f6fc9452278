/// Decides what happens to a map when one of its workers ends.
///
/// A pure state machine: it knows no process and no memory. `Supervisor` feeds it what it saw and carries out the
/// actions that it returns.
struct MapMachine {
    /// What the supervisor is to do next.
    enum Action: Equatable {
        /// Start a worker; it runs `leftover` first and then claims.
        ///
        /// `attempt` is that at the first item of the leftover; `pause` are the nanoseconds to wait before.
        case start(worker: Int, leftover: Range<Int>?, attempt: Int = 1, pause: Int = 0)
        /// Kill every worker that is on an item above this one; those below finish.
        case endAbove(Int)
        /// Kill every worker.
        case endAll
    }

    /// What a dead worker's scoreboard line said, checked: every index lies within the map.
    struct Sight {
        /// Whether the worker left its loop by itself.
        var finished: Bool
        /// Whether it did so because it has run as many items as it was to.
        var isUsedUp = false
        /// Why it could not begin, if that is so.
        var obstacle: Cause? = nil
        /// The item it had begun, if it has published nothing for it.
        var item: Int?
        /// What it had claimed and not begun.
        var leftover: Range<Int>?
        /// Whether it had claimed anything since it was started.
        var claimed: Bool
    }

    /// Why an item has no result, as far as the supervisor can tell without the worker's report.
    enum Cause {
        /// Its worker ended while it was on the item.
        case ended(Death)
        /// No worker could be started for it.
        case refused(SystemError)
        /// The map was cancelled.
        case cancelled
        /// Workers die before they reach an item.
        case unreachable(Death)
        /// Workers had to be replaced too often.
        case restartedTooOften(ForkPool.Options.RestartIntensity, Death)
        /// A worker could not be set up: what its `setUp` threw, or how it ended in it.
        case notSetUp(Report)
        case endedInSetUp(Death)
        /// The item's input could not be encoded.
        case inputNotEncodable(String)
        /// The item's input has no room.
        case noRoomForInput
    }

    /// Why the supervisor kills a worker.
    enum Verdict: Equatable {
        /// What it is on is needless.
        case needless
        /// It is on an item for too long; what it does when the kill arrives may be another one.
        case overdue(item: Int)
        /// It waits for what nobody is left to give it.
        case deadlocked
    }

    /// So many workers in a row may die without having claimed anything before the map gives up.
    static let barrenDeaths = 32

    /// So many workers may end before so many items are done: each of them has one item behind it, or is one of a few.
    static func mostEnds(of count: Int, retries: Int?) -> Int {
        let attempts = min(retries ?? 0, .max / 2) + 1
        let (ends, overflow) = (2 * min(count, .max / 4)).multipliedReportingOverflow(by: attempts)
        return overflow ? .max - 64 : min(ends, .max - 128) + 64
    }

    let count: Int
    let stopsAtFailure: Bool
    private let policy: RetryPolicy
    /// How long an item may take, in nanoseconds; only to say so.
    private let timeout: Int
    /// What became of items whose worker did not say so itself.
    private(set) var causes: [Int: Cause] = [:]
    /// The lowest index that failed, where that ends the map.
    private(set) var lowestFailure = Int.max
    /// What ended the map as a whole; every item without an outcome has this one.
    private(set) var ending: Cause?

    private var alive: Set<Int> = []
    private var condemned: [Int: Verdict] = [:]
    /// The attempts at the items that were begun more than once.
    private var attempts: [Int: Int] = [:]
    private var barren = 0
    /// The fewest items that a sweep was to run, and how many sweeps since then were in vain.
    private var fewestLost = Int.max
    private var vainSweeps = 0

    init(count: Int, stopsAtFailure: Bool, policy: RetryPolicy = .none, timeout: Int = 0) {
        self.count = count
        self.stopsAtFailure = stopsAtFailure
        self.policy = policy
        self.timeout = timeout
    }

    /// Whether nothing runs any more.
    var isIdle: Bool { alive.isEmpty }

    /// The workers to begin with: no more than there are items.
    func begin(workers: Int) -> [Action] {
        (0..<min(workers, count)).map { .start(worker: $0, leftover: nil) }
    }

    /// Hears that a worker runs.
    ///
    /// Returns an action if it came too late.
    mutating func started(_ worker: Int) -> Action? {
        alive.insert(worker)
        return ending == nil ? nil : .endAll
    }

    /// Hears that a worker could not be started.
    ///
    /// The map goes on with those that run, if there are any; a range that it was to run is found by the sweep.
    mutating func refused(_ error: SystemError) {
        if alive.isEmpty, ending == nil { ending = .refused(error) }
    }

    /// An item has no result for a reason that no worker knows of.
    mutating func reject(_ item: Int, _ cause: Cause) {
        causes[item] = cause
        _ = failed(item)
    }

    /// A worker is killed by the supervisor's own hand.
    mutating func condemn(_ worker: Int, _ verdict: Verdict = .needless) {
        condemned[worker] = verdict
    }

    /// Which attempt at an item is the next or the last one, from 1.
    func attempt(at item: Int) -> Int { attempts[item] ?? 1 }

    /// The caller does not want the map any more.
    mutating func cancel() -> Action {
        end(.cancelled)
    }

    /// Something ends the map as a whole.
    mutating func end(_ cause: Cause) -> Action {
        if ending == nil { ending = cause }
        return .endAll
    }

    /// What ended the map came too late: every item has its result.
    mutating func forgetEnding() {
        ending = nil
    }

    /// A worker reported a failure of the body: where that ends the map, everything above is needless.
    mutating func failed(_ item: Int) -> Action? {
        guard stopsAtFailure, item < lowestFailure else { return nil }
        lowestFailure = item
        return .endAbove(item)
    }

    /// Hears that a worker ended, of whose death `blame` said why.
    ///
    /// `open` says whether items are left that nobody claimed.
    mutating func ended(_ worker: Int, _ death: Death, _ sight: Sight, open: Bool) -> Action? {
        alive.remove(worker)
        let verdict = condemned.removeValue(forKey: worker)
        if let obstacle = sight.obstacle, verdict == nil, ending == nil {
            ending = obstacle
            return .endAll
        }
        if sight.isUsedUp, sight.claimed, ending == nil, lowestFailure == .max, open {
            return .start(worker: worker, leftover: nil)
        }
        guard !sight.finished, verdict != .needless, ending == nil else { return nil }
        // Whoever was killed for an item that it had finished has done nothing wrong.
        let isInnocent = verdict != nil && death.blame == nil && death.mayBeByPool
        if !isInnocent { barren = sight.claimed ? 0 : barren + 1 }
        guard barren < Self.barrenDeaths else {
            ending = .unreachable(death)
            return .endAll
        }
        if let item = sight.item, !isInnocent {
            if item < lowestFailure, policy.allows(after: death, attempt: attempt(at: item)) {
                attempts[item] = attempt(at: item) + 1
                return .start(
                    worker: worker, leftover: item..<(sight.leftover?.upperBound ?? item + 1),
                    attempt: attempt(at: item), pause: policy.pause)
            }
            causes[item] = .ended(death)
            if stopsAtFailure { return failed(item) }
        }
        let leftover = isInnocent ? sight.unfinished : sight.leftover
        guard open || leftover != nil else { return nil }
        return .start(worker: worker, leftover: leftover, attempt: leftover.map { attempt(at: $0.lowerBound) } ?? 1)
    }

    /// Says why a worker ended that was killed by the supervisor's own hand, if that is what it was on; who was about to end
    /// by itself ended so.
    func blame(_ worker: Int, on sight: Sight, _ death: inout Death) {
        switch condemned[worker] {
        case .overdue(let item) where item == sight.item && death.mayBeByPool: death.blame = .timeout(timeout)
        case .deadlocked: death.blame = .deadlock
        case .overdue, .needless, nil: break
        }
    }

    /// Hands out ranges that have no outcome although nothing runs.
    ///
    /// They were claimed by workers that died before they could say so, or left by a refused start. Each worker
    /// that is to be started gets one of them.
    mutating func sweep(_ lost: [Range<Int>], workers: Int) -> [Action] {
        guard ending == nil else { return [] }
        // Each sweep leaves less to do, but for deaths before an item began. If again and again it does not, a body
        // undoes what others publish, and would for ever.
        let items = lost.reduce(0) { $0 + $1.count }
        vainSweeps = items < fewestLost ? 0 : vainSweeps + 1
        fewestLost = min(fewestLost, items)
        guard vainSweeps < Self.barrenDeaths else { return [] }
        return zip(0..<workers, lost.flatMap(separateAttempts)).map { worker, range in
            .start(worker: worker, leftover: range, attempt: attempt(at: range.lowerBound))
        }
    }

    /// Cuts a range so that only the first item of each part was begun before.
    private func separateAttempts(_ range: Range<Int>) -> [Range<Int>] {
        guard !attempts.isEmpty else { return [range] }
        let cuts = [range.lowerBound] + range.dropFirst().filter { attempts[$0] != nil } + [range.upperBound]
        return zip(cuts, cuts.dropFirst()).map { $0..<$1 }
    }
}

extension MapMachine.Sight {
    /// Everything that it had claimed and that has no outcome.
    fileprivate var unfinished: Range<Int>? {
        guard let item else { return leftover }
        return item..<(leftover?.upperBound ?? item + 1)
    }
}
