// SPDX-License-Identifier: Apache-2.0

// Like `map`, `resident` has one overload for `Codable` inputs and results, and disfavoured ones for inputs or results that
// are `BitwiseCopyable` only. The two with one type that is both tell the compiler which of the others is meant.

extension ForkPool {
    /// Starts resident workers for a body.
    ///
    /// The workers are forked now: the body sees captured values as they are now, without later changes. Until the pool
    /// ends, the workers keep that memory and the open files of this process.
    ///
    /// - Parameter body: Runs in a worker, once for each input. It may capture anything.
    /// - Returns: The resident pool.
    /// - Throws: `forkRefused` or `noMemory` if the system refuses all workers or memory.
    /// - Complexity: One fork per worker and two more.
    @_alwaysEmitIntoClient
    public func resident<I: Codable, R: Codable>(
        _ body: @escaping (I) throws -> R
    ) throws(Failure) -> Resident<I, R> {
        try makeResident(.best, .best, BatchBodies.best(body))
    }

    /// Starts resident workers for `BitwiseCopyable` inputs and `Codable` results, as the first overload does.
    @_alwaysEmitIntoClient
    @_disfavoredOverload
    public func resident<I: BitwiseCopyable, R: Codable>(
        _ body: @escaping (I) throws -> R
    ) throws(Failure) -> Resident<I, R> {
        try makeResident(.plain, .best, BatchBodies.bestResults(body))
    }

    /// Starts resident workers for `Codable` inputs and `BitwiseCopyable` results, as the first overload does.
    @_alwaysEmitIntoClient
    @_disfavoredOverload
    public func resident<I: Codable, R: BitwiseCopyable>(
        _ body: @escaping (I) throws -> R
    ) throws(Failure) -> Resident<I, R> {
        try makeResident(.best, .plain, BatchBodies.bestInputs(body))
    }

    /// Starts resident workers for `BitwiseCopyable` inputs and results, as the first overload does.
    @_alwaysEmitIntoClient
    @_disfavoredOverload
    public func resident<I: BitwiseCopyable, R: BitwiseCopyable>(
        _ body: @escaping (I) throws -> R
    ) throws(Failure) -> Resident<I, R> {
        try makeResident(.plain, .plain, BatchBodies.plain(body))
    }

    /// Starts resident workers for inputs that are both, and `BitwiseCopyable` results, as the first overload does.
    @_alwaysEmitIntoClient
    @_disfavoredOverload
    public func resident<I: BitwiseCopyable & Codable, R: BitwiseCopyable>(
        _ body: @escaping (I) throws -> R
    ) throws(Failure) -> Resident<I, R> {
        try makeResident(.plain, .plain, BatchBodies.plain(body))
    }

    /// Starts resident workers for `BitwiseCopyable` inputs, and results that are both, as the first overload does.
    @_alwaysEmitIntoClient
    @_disfavoredOverload
    public func resident<I: BitwiseCopyable, R: BitwiseCopyable & Codable>(
        _ body: @escaping (I) throws -> R
    ) throws(Failure) -> Resident<I, R> {
        try makeResident(.plain, .plain, BatchBodies.plain(body))
    }
}

extension ForkPool {
    /// Forks the workers of a resident pool.
    @usableFromInline
    func makeResident<I, R>(
        _ input: WireFormat<I>, _ output: WireFormat<R>, _ body: @escaping BatchBody, _ state: WorkerState? = nil
    ) throws(Failure) -> Resident<I, R> {
        try checkThreads()
        WarmUp.done
        return try makeResident(
            input, output, body, setUp: options.setUp(making: state), tearDown: options.tearDown(ending: state))
    }

    func makeResident<I, R>(
        _ input: WireFormat<I>, _ output: WireFormat<R>, _ body: @escaping BatchBody, setUp: (() throws -> Void)?,
        tearDown: (() -> Void)?
    ) throws(Failure) -> Resident<I, R> {
        do throws(SystemError) {
            let pool = try Pool(workers: workers, options: options, for: .forked, hasSetUp: setUp != nil)
            let worker = WorkerMain(
                region: pool.layout, settings: WorkerSettings(options), setUp: setUp, tearDown: tearDown, body: body)
            let starter = try TemplateStarter(worker, pool.layout)
            return try makeResident(pool, starter, input, output)
        } catch {
            throw Failure(refused: error, index: nil)
        }
    }

    /// Starts the workers and their supervisor.
    func makeResident<I, R>(
        _ pool: Pool, _ starter: any Starter, _ input: WireFormat<I>, _ output: WireFormat<R>
    ) throws(SystemError) -> Resident<I, R> {
        let over = PrivateEvent()
        try PoolSupervisor.start(pool, starter, over: over)
        return Resident(owner: PoolOwner(pool: pool, over: over), input: input, output: output, callOptions)
    }
}
