/// Decides what happens to a map when one of its workers ends.
///
/// A pure state machine: it knows no process and no memory. `Supervisor` feeds it what it saw and carries out the
/// actions that it returns.
struct MapMachine {
    /// What the supervisor is to do next.
    enum Action: Equatable {
        /// Start a worker; it runs `leftover` first and then claims.
        case start(worker: Int, leftover: Range<Int>?)
        /// Kill every worker that is on an item above this one; those below finish.
        case endAbove(Int)
        /// Kill every worker.
        case endAll
    }

    /// What a dead worker's scoreboard line said, checked: every index lies within the map.
    struct Sight: Equatable {
        /// Whether the worker left its loop by itself.
        var finished: Bool
        /// The item it was on, if it has published nothing for it.
        var item: Int?
        /// What it had claimed and not begun.
        var leftover: Range<Int>?
        /// Whether it had claimed anything since it was started.
        var claimed: Bool
    }

    /// Why an item has no result, as far as the supervisor can tell without the worker's report.
    enum Cause {
        /// Its worker ended while it was on the item.
        case ended(Ending, pid: Int32, crash: CrashText?)
        /// No worker could be started for it.
        case refused(SystemError)
        /// The map was cancelled.
        case cancelled
        /// Workers die before they reach an item.
        case unreachable(Ending, CrashText?)
    }

    /// So many workers in a row may die without having claimed anything before the map gives up.
    static let barrenDeaths = 32

    let count: Int
    let stopsAtFailure: Bool
    /// What became of items whose worker did not say so itself.
    private(set) var causes: [Int: Cause] = [:]
    /// The lowest index that failed, where that ends the map.
    private(set) var lowestFailure = Int.max
    /// What ended the map as a whole; every item without an outcome has this one.
    private(set) var ending: Cause?

    private var alive: Set<Int> = []
    private var condemned: Set<Int> = []
    private var barren = 0
    /// The fewest items that a sweep was to run, and how many sweeps since then were in vain.
    private var fewestLost = Int.max
    private var vainSweeps = 0

    init(count: Int, stopsAtFailure: Bool) {
        self.count = count
        self.stopsAtFailure = stopsAtFailure
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

    /// A worker was killed by the supervisor's own hand: its item is not its failure.
    mutating func condemn(_ worker: Int) {
        condemned.insert(worker)
    }

    /// The caller does not want the map any more.
    mutating func cancel() -> Action {
        if ending == nil { ending = .cancelled }
        return .endAll
    }

    /// A worker reported a failure of the body: where that ends the map, everything above is needless.
    mutating func failed(_ item: Int) -> Action? {
        guard stopsAtFailure, item < lowestFailure else { return nil }
        lowestFailure = item
        return .endAbove(item)
    }

    /// Hears that a worker ended.
    ///
    /// `open` says whether items are left that nobody claimed.
    mutating func ended(
        _ worker: Int, pid: Int32, _ how: Ending, _ sight: Sight, crash: CrashText?, open: Bool
    ) -> Action? {
        alive.remove(worker)
        let wasCondemned = condemned.remove(worker) != nil
        guard !sight.finished, !wasCondemned, ending == nil else { return nil }
        barren = sight.claimed ? 0 : barren + 1
        guard barren < Self.barrenDeaths else {
            ending = .unreachable(how, crash)
            return .endAll
        }
        if let item = sight.item {
            causes[item] = .ended(how, pid: pid, crash: crash)
            if stopsAtFailure { return failed(item) }
        }
        guard open || sight.leftover != nil else { return nil }
        return .start(worker: worker, leftover: sight.leftover)
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
        return zip(0..<workers, lost).map { .start(worker: $0, leftover: $1) }
    }
}

/// What a crash handler left behind, copied out of shared memory.
struct CrashText: Equatable {
    var signal: Int32
    var address: UInt64
    var isStackOverflow: Bool
    /// The runtime's message as the runtime printed it; empty if there was none.
    var message: String
}
