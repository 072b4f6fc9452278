// SPDX-License-Identifier: Apache-2.0

extension ForkPool {
    /// Starts resident workers that several jobs share, each of which has inputs and results of its own.
    ///
    /// ```swift
    /// struct Length: ForkPool.Job {
    ///     func run(_ text: String) async throws -> Int { text.utf8.count }
    /// }
    /// struct Square: ForkPool.Job {
    ///     func run(_ number: Int) async throws -> Int { number * number }
    /// }
    /// let (lengths, squares) = try ForkPool(workers: 2).resident(Length(), Square())
    /// print(try lengths.map(["a", "bc"]), try squares(3))
    /// lengths.close()
    /// squares.close()
    /// ```
    ///
    /// Calls and maps of all the jobs take turns at the same workers, and what crashes costs its own item alone. Each worker
    /// runs `setUp` of every job before its first item, in the order of the jobs, and `tearDown` in the opposite order. The
    /// options of this pool, among them `timeout`, `itemsPerWorker` and `maxPending`, hold for the jobs together.
    ///
    /// Closing, cancelling or releasing one of the resident pools ends the work of its job. The last one ends the workers.
    ///
    /// - Parameters:
    ///   - first: A job. With `start: .exec` each job is encoded for the workers.
    ///   - second: Another job, of the same type or of another one.
    ///   - others: More jobs.
    ///   - start: How to start the workers.
    /// - Returns: A resident pool for each job, in the order of the jobs.
    /// - Throws: What `resident(_:start:)` throws; `notRunnable` names the type of the job that cannot be found by its name.
    public func resident<First: Job, Second: Job, each Other: Job>(
        _ first: First, _ second: Second, _ others: repeat each Other, start: Start = .exec
    ) throws(Failure) -> (
        Resident<First.Input, First.Output>, Resident<Second.Input, Second.Output>,
        repeat Resident<(each Other).Input, (each Other).Output>
    ) {
        var jobs: [any Job] = [first, second]
        for other in repeat each others { jobs.append(other) }
        let (pool, over) = try startShared(jobs, start)
        var number = 0
        func next<J: Job>(_ job: J) -> Resident<J.Input, J.Output> {
            defer { number += 1 }
            return Resident(
                owner: PoolOwner(pool: pool, over: over, job: number), input: .ofJob, output: .ofJob, callOptions)
        }
        return (next(first), next(second), repeat next(each others))
    }

    /// Starts the workers that jobs share, and their supervisor.
    private func startShared(_ jobs: [any Job], _ start: Start) throws(Failure) -> (Pool, PrivateEvent) {
        let description: [UInt8]?
        switch start {
        case .fork:
            try checkThreads()
            WarmUp.done
            JobRunner.warmUp()
            description = nil
        case .exec: description = try execJob(jobs)
        }
        do throws(SystemError) {
            let pool = try Pool(
                workers: workers, options: options, for: description == nil ? .forked : .executed, hasSetUp: true)
            pool.setJobs(jobs.map { "\(type(of: $0))" })
            let starter: any Starter
            if let description {
                guard pool.reserveRoom(for: description) else {
                    throw SystemError(call: "mmap", code: SystemError.noMemory)
                }
                starter = try ExecStarter(pool)
            } else {
                let group = JobGroup(jobs.map { JobRunner.of($0) })
                starter = try TemplateStarter(
                    WorkerMain(
                        region: pool.layout, settings: WorkerSettings(options), setUp: options.setUp,
                        tearDown: options.tearDown, jobs: group, body: group.body), pool.layout)
            }
            let over = PrivateEvent()
            try PoolSupervisor.start(pool, starter, over: over)
            return (pool, over)
        } catch {
            throw Failure(refused: error, index: nil)
        }
    }
}
