// SPDX-License-Identifier: Apache-2.0
internal import Glibc

// All failures are made here, so that each kind has one wording.

extension ForkPool.Failure {
    init(_ error: WorkerError, _ item: Int) {
        switch error.kind {
        case .thrown, .stateNotMade:
            self.init(.thrown, index: item, "threw \(error.text)")
            thrown = Thrown(description: error.text, payload: error.payload)
        case .notEncodable:
            self.init(.notEncodable, index: item, "has a result that cannot be encoded: \(error.text)")
        case .notRunnable:
            self.init(.notRunnable, index: item, "could not be run: \(error.text)")
        case .inputNotDecodable:
            self.init(.notDecodable, index: item, "has an input that cannot be decoded: \(error.text)")
        case .noRoom:
            self.init(
                .noMemory, index: item,
                "has a result that does not fit into what is left of its worker's memory; use more workers or return less"
            )
        }
        pid = error.pid
        bodyRan = error.kind == .inputNotDecodable ? .no : .yes
    }

    /// Makes the failure of an item, or of a whole map (nil), from its cause.
    init(_ cause: FailureCause, _ item: Int?) {
        switch cause {
        case .ended(let exit):
            self.init(exit, index: item, worker: Self.worker(exit))
            pid = exit.pid
            bodyRan = .yes
        case .refused(let error):
            self.init(refused: error, index: item)
        case .killRefused(let error):
            self.init(
                .killRefused, index: item,
                "\(Self.subject(item))failed with its pool, a worker of which could not be ended: \(error); \(error.advice)"
            )
            self.errno = error.code
        case .cancelled:
            self.init(.cancelled, index: item, "\(Self.subject(item))was cancelled")
        case .overdueInQueue(let limit):
            self.init(
                .timedOut, index: item,
                "\(Self.subject(item))waited in the queue for \(Duration.nanoseconds(limit)), its whole deadline, and did not "
                    + "begin; use more workers, or raise CallOptions.deadline or its priority", ran: .no)
        case .overdue(let limit) where item != nil:
            self.init(.overdueInQueue(limit), item)
        case .overdue(let limit), .overdueAgain(let limit):
            self.init(
                .timedOut, index: item,
                "\(Self.subject(item))was not done within its deadline of \(Duration.nanoseconds(limit)); raise "
                    + "CallOptions.deadline or use more workers", ran: item == nil ? .unknown : .yes)
        case .poolEnded(let how):
            let advice = how == Self.dropped ? "; keep the pool until its work is done, or close() it" : ""
            self.init(.cancelled, index: item, "\(Self.subject(item))was cancelled: its pool \(how)\(advice)")
        case .notSetUp(let error, _) where error.kind == .notRunnable:
            self.init(.notRunnable, index: item, "\(Self.subject(item))could not be run: \(error.text)", ran: .no)
            self.pid = error.pid
            self.errno = error.errno
        case .notSetUp(let error, let job):
            let what = Self.setUp(of: job, isState: error.kind == .stateNotMade)
            let message = "\(Self.subject(item))could not be run: \(what) threw \(error.text)"
            self.init(.setUpFailed, index: item, message, ran: .no)
            thrown = Thrown(description: error.text, payload: error.payload)
            self.pid = error.pid
        case .endedInSetUp(let exit, let job):
            let how = Self(exit, index: nil, worker: Self.worker(exit))
            let what = Self.setUp(of: job, isState: exit.wasMakingState)
            self.init(how, exit, .setUpFailed, item, ran: .no, "\(what) \(how.message)")
        case .inputNotEncodable(let reason):
            self.init(.notEncodable, index: item, "has an input that cannot be encoded: \(reason)", ran: .no)
        case .noRoomForInput:
            let message = "has an input that does not fit into what is left of the pool's memory"
            self.init(.noMemory, index: item, message, ran: .no)
        case .unreachable(let exit):
            let how = Self(exit, index: nil, worker: nil)
            let reason =
                exit.failedStart == .notLoaded
                ? "its workers cannot be loaded"
                : "\(BatchMachine.mostFailedStarts) workers in a row ended before they reached an item"
            self.init(how, exit, how.code, item, ran: .no, "\(reason); the last one (pid \(exit.pid)) \(how.message)")
        case .restartedTooOften(let intensity, let exit):
            let how = Self(exit, index: nil, worker: nil)
            let reason = "more than \(intensity.restarts) workers had to be replaced within \(intensity.time)"
            self.init(
                how, exit, .restartedTooOften, item, ran: .unknown,
                "\(reason); the last one (pid \(exit.pid)) \(how.message)")
        }
    }

    private static func setUp(of job: String?, isState: Bool) -> String {
        if isState { return "\(job.map { "the state of \($0)" } ?? "the worker's state") could not be made: making it" }
        return job.map { "setUp of \($0)" } ?? "setUp"
    }

    private static func worker(_ exit: ProcessExit) -> String { "its worker (pid \(exit.pid))" }

    /// Makes the failure of an item that could not be run because a worker ended; `how` says how it did.
    private init(_ how: Self, _ exit: ProcessExit, _ code: Code, _ item: Int?, ran: BodyRan, _ reason: String) {
        self.init(code, index: item, "\(Self.subject(item))could not be run: \(reason)", ran: ran)
        pid = exit.pid
        signal = how.signal
        exitStatus = how.exitStatus
    }

    private static func subject(_ item: Int?) -> String { item == nil ? map : "" }

    /// How a pool ended whose last reference was released.
    static let dropped = "was dropped"

    static func closed(_ how: String) -> Self {
        Self(.closed, index: nil, "the map was refused: the pool \(how); make a new one", ran: .no)
    }

    static var full: Self {
        Self(
            .noMemory, index: nil,
            "the map was refused: the pool's memory has no room for it; let go of results and calls that are held, or give the "
                + "pool fewer items at once", ran: .no)
    }

    /// Why a map or call is refused where `limit` others wait.
    static func queueFull(_ limit: Int) -> Self {
        Self(
            .full, index: nil,
            "the map was refused: \(limit) others wait for a worker, as many as Options.maxPending allows; try again later, "
                + "or wait for room: with whenFull: .wait", ran: .no)
    }

    static var foreign: Self { .closed("belongs to the process that made it, of which this one is a fork") }

    static var streamCancelled: Self { Self(.cancelled, index: nil, "the map was cancelled") }

    static var readTwice: Self {
        Self(
            .closed, index: nil,
            "the stream was read before: it gives each result once, to one loop; make another stream for another loop",
            ran: .no)
    }

    static func noInput(_ error: any Error) -> Self {
        let text = ErrorDescription.of(error)
        var failure = Self(.thrown, index: nil, "has no input: the stream's source threw \(text)", ran: .no)
        failure.thrown = Thrown(description: text, payload: WorkerError(throwing: error).payload)
        failure.sourceError = error
        return failure
    }

    static func notRunnable(_ reason: String) -> Self {
        Self(.notRunnable, index: nil, "the job cannot be run: \(reason)", ran: .no)
    }

    static func timedOut(_ time: Duration) -> Self {
        Self(.timedOut, index: nil, "the call is not done after \(time); it goes on, and can be waited for again")
    }

    package init(refused error: SystemError, index: Int?) {
        self.init(
            error.isForWantOfRoom ? .noMemory : .forkRefused, index: index,
            "\(Self.subject(index))could not be run: \(error); \(error.advice)", ran: .no)
        errno = error.code
    }

    static func uncounted(_ error: SystemError) -> Self {
        var failure = Self(
            .threadsRefused, index: nil,
            "the map was refused: Options.refusesThreads is set and the threads of this process cannot be counted: "
                + "the system refused \(error.call): \(error.reason); mount /proc or do without the option", ran: .no)
        failure.errno = error.code
        return failure
    }

    static func threaded(_ threads: Int32) -> Self {
        Self(
            .threadsRefused, index: nil,
            "the map was refused: this process has \(threads) threads and Options.refusesThreads is set; map before they start",
            ran: .no)
    }

    static func corrupted(_ item: Int, _ what: String) -> Self {
        Self(.corrupted, index: item, "has no result: \(what); a body wrote where it must not")
    }

    static func errorMissing(_ item: Int) -> Self {
        Self(.noMemory, index: item, "failed, and its worker had no memory left to say why; use more workers")
    }

    static func notDecodable(_ item: Int, _ error: any Error) -> Self {
        Self(
            .notDecodable, index: item, "has a result that cannot be decoded: \(ErrorDescription.of(error))", ran: .yes)
    }
}
