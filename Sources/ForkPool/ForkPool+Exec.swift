internal import CForkPool
internal import Synchronization

extension ForkPool {
    /// Starts workers that stay, for a job.
    ///
    /// - Parameters:
    ///   - job: What the workers run on each input. It crosses coded where they are started by exec.
    ///   - start: How the workers are started.
    /// - Returns: The running pool.
    /// - Throws: The refusal, if the system refuses memory or every worker; `notRunnable` with `start: .exec`, if the
    ///   job's type cannot be found by name, if the options have a `setUp` or `tearDown` (which are closures: the job has
    ///   methods for that), or if the library is a dynamic one and the program does not call `bootstrap()`;
    ///   `notEncodable` if the job cannot be encoded.
    public func resident<J: Job>(_ job: J, start: Start = .fork) throws(Failure) -> Resident<J.Input, J.Output> {
        switch start {
        case .fork:
            try checkThreads()
            WarmUp.done
            JobRunner.warmUp()
            let runner = JobRunner(job)
            let (setUp, tearDown) = (options.setUp, options.tearDown)
            return try makeResident(
                .ofJob, .ofJob, runner.body,
                setUp: {
                    try setUp?()
                    try runner.setUp()
                },
                tearDown: {
                    runner.tearDown()
                    tearDown?()
                })
        case .exec:
            let order = try execOrder(job)
            do throws(SystemError) {
                let core = try ResidentCore(workers: workers, options: options, named: true)
                guard core.place(order) else { throw SystemError(call: "mmap", code: SystemError.noMemory) }
                return try self.start(core, ExecSource(core), .ofJob, .ofJob)
            } catch {
                throw Failure(refused: error, index: nil)
            }
        }
    }

    /// Makes this process a worker, if it was started as one by a resident pool, and does not return then.
    ///
    /// Only needed as the first line of a program that has this library as a dynamic one and starts workers by exec;
    /// elsewhere a worker never reaches `main`. Does nothing in a process that is no worker.
    public static func bootstrap() {
        cforkpool_bootstrap()
    }

    /// What a worker that is started by exec needs to know.
    private func execOrder<J: Job>(_ job: J) throws(Failure) -> [UInt8] {
        if options.setUp != nil || options.tearDown != nil {
            throw .notRunnable(
                "Options.setUp and tearDown are closures, which a worker that is started by exec cannot have; "
                    + "implement setUp() and tearDown() in \(J.self)")
        }
        guard cforkpool_enters_before_main() else {
            throw .notRunnable(
                "this program has ForkPool as a dynamic library, so a worker that is started by exec would run its main; "
                    + "call ForkPool.bootstrap() as the first line of main")
        }
        guard let name = _mangledTypeName(J.self), let found = _typeByName(name), found == J.self else {
            throw .notRunnable(
                "the type \(J.self) cannot be found by its name in a worker that is started by exec; "
                    + "declare it outside of functions and not as private or fileprivate")
        }
        do {
            let job = try Report.bytes(of: job)
            return try Report.bytes(of: ExecOrder(typeName: name, life: WorkerLife(options), job: job))
        } catch {
            var failure = Failure(.notEncodable, index: nil, "the job \(J.self) cannot be encoded: \(error)")
            failure.bodyRan = .no
            throw failure
        }
    }
}

/// What a worker that is started by exec finds in its memory: what it is to run.
struct ExecOrder: Codable {
    /// The mangled name of the job's type.
    let typeName: String
    let life: WorkerLife
    /// The job, coded.
    let job: [UInt8]

    /// What tells the bytes of an order from what a wild write made of them (FNV-1a).
    static func checksum(_ bytes: [UInt8]) -> Int {
        let sum = bytes.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        return Int(bitPattern: UInt(sum))
    }
}

extension ResidentCore {
    /// Leaves an order where workers find it, at the heap's beginning; returns whether there was room.
    func place(_ order: [UInt8]) -> Bool {
        locked { state in
            guard let part = state.heap.allocate(order.count) else { return false }
            state.order = (order, part.offset)
            state.heap = SharedHeap(part.end..<memory.heap.upperBound)
            return true
        }
    }

    /// Writes what a worker that is started now reads first: whatever became of what was there.
    func writeOrder() {
        guard let order = locked({ $0.order }) else { return }
        memory.writeShape()
        unsafe (memory.base + order.offset).copyMemory(from: order.bytes, byteCount: order.bytes.count)
        unsafe memory.jobOffset.pointee.store(order.offset, ordering: .relaxed)
        unsafe memory.jobLength.pointee.store(order.bytes.count, ordering: .relaxed)
        unsafe memory.jobChecksum.pointee.store(ExecOrder.checksum(order.bytes), ordering: .relaxed)
    }
}
