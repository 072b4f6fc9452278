internal import Glibc

// All failures are made here, so that each kind has one wording.

extension ForkPool.Failure {
    /// Makes the failure of an item from the report of its worker.
    init(_ error: WorkerError, _ item: Int) {
        switch error.kind {
        case .thrown:
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

    /// Makes the failure of an item, or of a whole map, from its cause.
    ///
    /// - Parameters:
    ///   - cause: The cause.
    ///   - item: The index of the item; nil for the whole map.
    init(_ cause: FailureCause, _ item: Int?) {
        switch cause {
        case .ended(let exit):
            self.init(exit, index: item, worker: "its worker (pid \(exit.pid))")
            pid = exit.pid
            bodyRan = .yes
        case .refused(let error):
            self.init(refused: error, index: item)
        case .cancelled:
            self.init(.cancelled, index: item, item == nil ? "the map was cancelled" : "was cancelled")
        case .notSetUp(let error) where error.kind == .notRunnable:
            self.init(.notRunnable, index: item, "\(Self.subject(item))could not be run: \(error.text)")
            self.pid = error.pid
            self.errno = error.errno
            bodyRan = .no
        case .notSetUp(let error):
            self.init(.setUpFailed, index: item, "\(Self.subject(item))could not be run: setUp threw \(error.text)")
            thrown = Thrown(description: error.text, payload: error.payload)
            self.pid = error.pid
            bodyRan = .no
        case .endedInSetUp(let exit):
            let how = Self(exit, index: nil, worker: "its worker (pid \(exit.pid))")
            self.init(.setUpFailed, index: item, "\(Self.subject(item))could not be run: setUp \(how.message)")
            pid = exit.pid
            signal = how.signal
            exitStatus = how.exitStatus
            bodyRan = .no
        case .inputNotEncodable(let reason):
            self.init(.notEncodable, index: item, "has an input that cannot be encoded: \(reason)")
            bodyRan = .no
        case .noRoomForInput:
            self.init(
                .noMemory, index: item, "has an input that does not fit into what is left of the pool's memory")
            bodyRan = .no
        case .unreachable(let exit):
            let how = Self(exit, index: nil, worker: "its worker (pid \(exit.pid))")
            self.init(
                how.code, index: item,
                "\(Self.subject(item))could not be run: \(BatchMachine.mostFailedStarts) workers in a row ended before they reached an "
                    + "item; the last one \(how.message)")
            pid = exit.pid
            signal = how.signal
            exitStatus = how.exitStatus
            bodyRan = .no
        case .restartedTooOften(let intensity, let exit):
            let how = Self(exit, index: nil, worker: "its worker (pid \(exit.pid))")
            self.init(
                .restartedTooOften, index: item,
                "\(Self.subject(item))could not be run: more than \(intensity.restarts) workers had to be replaced within "
                    + "\(intensity.time); the last one \(how.message)")
            pid = exit.pid
            signal = how.signal
            exitStatus = how.exitStatus
        }
    }

    /// The beginning of a sentence about the whole map.
    private static func subject(_ item: Int?) -> String { item == nil ? map : "" }

    /// Makes the failure of using a resident pool after its end.
    static func closed(_ how: String) -> Self {
        var failure = Self(.closed, index: nil, "the map was refused: the pool \(how); make a new one")
        failure.bodyRan = .no
        return failure
    }

    /// Makes the failure of a map whose inputs and results do not fit into the pool's memory.
    static var full: Self {
        var failure = Self(
            .noMemory, index: nil,
            "the map was refused: the pool's memory has no room for it; let go of results and calls that are held, or give the "
                + "pool fewer items at once")
        failure.bodyRan = .no
        return failure
    }

    /// Makes the failure of using a pool in a fork of its process.
    static var foreign: Self { .closed("belongs to the process that made it, of which this one is a fork") }

    /// Makes the failure of a stream whose task was cancelled.
    static var streamCancelled: Self {
        var failure = Self(.cancelled, index: nil, "the map was cancelled")
        failure.bodyRan = .unknown
        return failure
    }

    /// Makes the failure of an item of a stream whose source failed.
    static func noInput(_ error: any Error) -> Self {
        let text = String(describing: error)
        var failure = Self(.thrown, index: nil, "has no input: the stream's source threw \(text)")
        failure.thrown = Thrown(description: text, payload: nil)
        failure.bodyRan = .no
        return failure
    }

    /// Makes the failure of a job that exec workers cannot run.
    static func notRunnable(_ reason: String) -> Self {
        var failure = Self(.notRunnable, index: nil, "the job cannot be run: \(reason)")
        failure.bodyRan = .no
        return failure
    }

    /// Makes the failure of a wait that ended before the call was done.
    static func timedOut(_ time: Duration) -> Self {
        Self(.timedOut, index: nil, "the call is not done after \(time); it goes on, and can be waited for again")
    }

    /// Makes the failure of a map after a refused system call.
    init(refused error: SystemError, index: Int?) {
        let isMemory = error.call == "mmap" || error.call == "memfd_create" && error.code == ENOMEM
        let advice =
            switch (isMemory, error.code) {
            case (true, _): "raise the limit on address space (ulimit -v) or use fewer workers"
            case (_, EMFILE), (_, ENFILE): "raise the limit on open files (ulimit -n) or use fewer workers"
            case (_, EAGAIN): "raise the limit on processes (ulimit -u, pids.max) or use fewer workers"
            default: "use fewer workers or less memory"
            }
        self.init(
            isMemory ? .noMemory : .forkRefused, index: index,
            "\(index == nil ? "the map" : "") could not be run: the system refused \(error.call): \(error.reason); \(advice)"
                .trimmed)
        errno = error.code
        bodyRan = .no
    }

    /// Makes the failure of a map that must not fork beside other threads, if the threads cannot be counted.
    static func uncounted(_ error: SystemError) -> Self {
        var failure = Self(
            .threadsRefused, index: nil,
            "the map was refused: Options.refusesThreads is set and the threads of this process cannot be counted: "
                + "the system refused \(error.call): \(error.reason); mount /proc or do without the option")
        failure.errno = error.code
        failure.bodyRan = .no
        return failure
    }

    /// Makes the failure of a map that must not fork beside other threads.
    static func threaded(_ threads: Int32) -> Self {
        var failure = Self(
            .threadsRefused, index: nil,
            "the map was refused: this process has \(threads) threads and Options.refusesThreads is set; map before they start"
        )
        failure.bodyRan = .no
        return failure
    }

    /// Makes the failure of an item whose shared memory is damaged.
    static func corrupted(_ item: Int, _ what: String) -> Self {
        Self(.corrupted, index: item, "has no result: \(what); a body wrote where it must not")
    }

    /// Makes the failure of an item whose worker had no memory left for a report.
    static func errorMissing(_ item: Int) -> Self {
        Self(.noMemory, index: item, "failed, and its worker had no memory left to say why; use more workers")
    }

    /// Makes the failure of an item whose result does not decode.
    static func notDecodable(_ item: Int, _ error: any Error) -> Self {
        var failure = Self(.notDecodable, index: item, "has a result that cannot be decoded: \(error)")
        failure.bodyRan = .yes
        return failure
    }
}
