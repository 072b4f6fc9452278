/// Decides which process is which worker of a resident pool.
///
/// A pure state machine, like `MapMachine`. There is a place for each worker's process and one more, for a process that
/// waits: when a worker ends, it takes over at once, and another one is started to wait.
struct Crew {
    /// What the keeper is to do next.
    enum Action: Equatable {
        /// Tell the process in a place which worker it is.
        case assign(place: Int, worker: Int)
        /// Start a process in each of these places.
        case start([Int])
    }

    /// What a worker's line and its end said.
    struct Sight {
        var death: Death
        /// Whether it left its loop by itself, used up or because the pool closes.
        var finished: Bool
        /// Why it could not begin, if it says so.
        var report: Report?
        /// Whether it is past `setUp`.
        var isReady: Bool
        /// Whether it had claimed anything.
        var claimed: Bool
        /// Whether it ended as another one that began with the same memory, and counts no more than that one.
        var isAlike = false
        /// Whether the worker is to rest before another process takes over.
        var rests = false
    }

    private enum Place {
        case empty, starting
        case waiting
        case worker(Int)
        /// It is killed, and was no worker.
        case dismissed
    }

    private var places: [Place]
    /// The workers that have no process.
    private(set) var vacancies: [Int]
    private var barren = 0
    /// Why nothing runs, or nothing is to run, any more.
    private(set) var ending: MapMachine.Cause?
    /// Whether workers that end are not replaced.
    private var isClosing = false

    /// Makes a crew of `workers` workers, none of which has a process.
    init(workers: Int) {
        places = Array(repeating: .empty, count: workers + 1)
        vacancies = Array((0..<workers).reversed())
    }

    /// The worker in a place, if one is.
    func worker(in place: Int) -> Int? {
        if case .worker(let worker) = places[place] { worker } else { nil }
    }

    /// Whether some process is or will be a worker.
    var isManned: Bool {
        places.contains {
            if case .empty = $0 { false } else { true }
        }
    }

    /// Whether nobody is replaced any more.
    var isEnding: Bool { ending != nil || isClosing }

    /// Starts what is missing: a process for each worker, and one that waits.
    mutating func fill() -> [Action] {
        guard !isEnding else { return [] }
        let empty = places.indices.filter { if case .empty = places[$0] { true } else { false } }
        guard !empty.isEmpty else { return [] }
        for place in empty { places[place] = .starting }
        return [.start(empty)]
    }

    /// Hears that the process in a place runs.
    mutating func started(_ place: Int) -> Action? {
        places[place] = .waiting
        return isEnding ? nil : man(place)
    }

    /// Hears that no process could be started in a place: the pool goes on with those that run, if there are any.
    mutating func refused(_ place: Int) {
        places[place] = .empty
    }

    /// Whoever waits is of no use; returns the places whose processes are to be killed.
    mutating func dismiss() -> [Int] {
        let waiting = places.indices.filter { if case .waiting = places[$0] { true } else { false } }
        for place in waiting { places[place] = .dismissed }
        return waiting
    }

    /// Hears that items were done since the last end of a process: whatever befalls those that wait, the pool works.
    mutating func bearsFruit() {
        barren = 0
    }

    /// Nobody is replaced from now on.
    mutating func close() {
        isClosing = true
    }

    /// Something ends the pool.
    mutating func end(_ cause: MapMachine.Cause) {
        if ending == nil { ending = cause }
    }

    /// Hears that the process in a place ended.
    mutating func ended(_ place: Int, _ sight: Sight) -> [Action] {
        let worker = worker(in: place)
        let wasDismissed = if case .dismissed = places[place] { true } else { false }
        places[place] = .empty
        guard !isEnding else { return [] }
        if let worker, !sight.rests { vacancies.append(worker) }
        if let report = sight.report {
            ending = .notSetUp(report)
        } else if worker != nil, !sight.isReady, !sight.finished, sight.death.isOwnDoing,
            sight.death.blame != .deadlock
        {
            ending = .endedInSetUp(sight.death)
        }
        if !wasDismissed, !sight.isAlike { barren = sight.claimed || sight.finished ? 0 : barren + 1 }
        if barren >= MapMachine.barrenDeaths, ending == nil { ending = .unreachable(sight.death) }
        guard ending == nil else { return [] }
        return manVacancy() + fill()
    }

    /// Hears that a worker that rested needs a process.
    mutating func rested(_ worker: Int) -> [Action] {
        guard !isEnding else { return [] }
        vacancies.append(worker)
        return manVacancy() + fill()
    }

    private mutating func manVacancy() -> [Action] {
        // The last to come is taken first: the one that just lost its process.
        guard let waiting = places.indices.first(where: { if case .waiting = places[$0] { true } else { false } }),
            let action = man(waiting)
        else { return [] }
        return [action]
    }

    private mutating func man(_ place: Int) -> Action? {
        guard let worker = vacancies.popLast() else { return nil }
        places[place] = .worker(worker)
        return .assign(place: place, worker: worker)
    }
}
