// SPDX-License-Identifier: Apache-2.0
internal import CForkPool

extension ForkPool {
    /// Starts resident workers for a job.
    ///
    /// - Parameters:
    ///   - job: The job to run on each input. It is encoded for workers that are started by exec.
    ///   - start: How to start the workers: by exec, where everything is safe in a body, unless `.fork` is asked for.
    /// - Returns: The resident pool.
    /// - Throws: `forkRefused` or `noMemory` if the system refuses all workers or memory. By exec also
    ///   `notRunnable`, if the type of the job cannot be found by its name, if the options have a `setUp` or `tearDown`
    ///   (use the methods of the job instead), if the library is a dynamic one and the program does not call
    ///   `bootstrap()`, or if the program cannot be started again with the rights of this process; and `notEncodable`, if the job cannot be encoded.
    public func resident<J: Job>(_ job: J, start: Start = .exec) throws(Failure) -> Resident<J.Input, J.Output> {
        switch start {
        case .fork:
            try checkThreads()
            WarmUp.done
            JobRunner.warmUp()
            let runner = JobRunner.of(job)
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
            let job = try execJob([job])
            do throws(SystemError) {
                let pool = try Pool(workers: workers, options: options, for: .executed, hasSetUp: true)
                guard pool.reserveRoom(for: job) else { throw SystemError(call: "mmap", code: SystemError.noMemory) }
                return try makeResident(pool, try ExecStarter(pool), .ofJob, .ofJob)
            } catch {
                throw Failure(refused: error, index: nil)
            }
        }
    }

    /// Runs the worker if a resident pool started this process as one, and does not return then.
    ///
    /// Does nothing in other processes. Call it as the first line of a program that uses this library as a dynamic one
    /// and starts workers by exec; in other programs a worker never reaches `main`.
    public static func bootstrap() {
        cforkpool_bootstrap()
    }

    /// Throws if this program cannot be started again, or not with the rights of this process.
    private func checkProgram() throws(Failure) {
        let obstacle: String?
        do throws(SystemError) {
            obstacle = try ExecStarter.obstacle()
        } catch {
            var failure = Failure.notRunnable(
                "this program cannot be started again: \(error), for /proc/self/exe; make its file executable and mount /proc, "
                    + "or use start: .fork")
            failure.errno = error.code
            throw failure
        }
        if let obstacle { throw .notRunnable(obstacle) }
    }

    /// Encodes what a worker that is started by exec reads first.
    func execJob(_ jobs: [any Job]) throws(Failure) -> [UInt8] {
        if options.setUp != nil || options.tearDown != nil {
            throw .notRunnable(
                "Options.setUp and tearDown are closures, which a worker that is started by exec cannot have; "
                    + "implement setUp() and tearDown() in \(jobs.map { "\(type(of: $0))" }.joined(separator: ", ")), "
                    + "or use start: .fork")
        }
        guard cforkpool_enters_before_main() else {
            throw .notRunnable(
                "this program has ForkPool as a dynamic library, so a worker that is started by exec would run its main; "
                    + "call ForkPool.bootstrap() as the first line of main")
        }
        try checkProgram()
        var parts: [ExecJob.Part] = []
        for job in jobs { parts.append(try execPart(job)) }
        do {
            return try WorkerError.bytes(of: ExecJob(settings: WorkerSettings(options), parts: parts))
        } catch {
            throw Self.notEncodable("jobs", error)
        }
    }

    private func execPart<J: Job>(_ job: J) throws(Failure) -> ExecJob.Part {
        guard let name = _mangledTypeName(J.self), let found = _typeByName(name), found == J.self else {
            throw .notRunnable(
                "the type \(J.self) cannot be found by its name in a worker that is started by exec; "
                    + "declare it outside of functions and not as private or fileprivate, or use start: .fork")
        }
        do {
            return ExecJob.Part(typeName: name, job: try WorkerError.bytes(of: job))
        } catch {
            throw Self.notEncodable("job \(J.self)", error)
        }
    }

    private static func notEncodable(_ what: String, _ error: any Error) -> Failure {
        var failure = Failure(
            .notEncodable, index: nil, "the \(what) cannot be encoded: \(ErrorDescription.of(error))")
        failure.bodyRan = .no
        return failure
    }
}
