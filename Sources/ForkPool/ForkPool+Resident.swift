internal import CForkPool

// As the pool's maps, `resident` has an overload for each way in which results cross: as bit patterns, coded, or both
// (then as bit patterns); here for inputs too, of which those that are both are bit patterns by disfavouring the other.

extension ForkPool {
    /// Starts workers that stay, for one body.
    ///
    /// They are forked now: the body sees what it captured as it is now, whatever this process does with it later. As long
    /// as the pool lives they hold that memory, and the open files of this process.
    ///
    /// - Parameter body: Runs in a worker, once for each input. It may capture anything.
    /// - Returns: The running pool.
    /// - Throws: The refusal, if the system refuses memory or every worker.
    /// - Complexity: One fork for each worker and two more.
    @inlinable
    public func resident<I: BitwiseCopyable, R: BitwiseCopyable>(
        _ body: @escaping (I) throws -> R
    ) throws(Failure) -> Resident<I, R> {
        try makeResident(.plain, .plain, BatchBodies.plain(body))
    }

    /// Starts workers that stay, for one body whose results are coded.
    ///
    /// - Parameter body: Runs in a worker, once for each input. It may capture anything.
    /// - Returns: The running pool.
    /// - Throws: The refusal, if the system refuses memory or every worker.
    @inlinable
    public func resident<I: BitwiseCopyable, R: Codable>(
        _ body: @escaping (I) throws -> R
    ) throws(Failure) -> Resident<I, R> {
        try makeResident(.plain, .coded, BatchBodies.codedResults(body))
    }

    /// Starts workers that stay, for one body.
    ///
    /// - Parameter body: Runs in a worker, once for each input. It may capture anything.
    /// - Returns: The running pool.
    /// - Throws: The refusal, if the system refuses memory or every worker.
    @inlinable
    public func resident<I: BitwiseCopyable, R: BitwiseCopyable & Codable>(
        _ body: @escaping (I) throws -> R
    ) throws(Failure) -> Resident<I, R> {
        try makeResident(.plain, .plain, BatchBodies.plain(body))
    }

    /// Starts workers that stay, for one body whose inputs are coded.
    ///
    /// - Parameter body: Runs in a worker, once for each input. It may capture anything.
    /// - Returns: The running pool.
    /// - Throws: The refusal, if the system refuses memory or every worker.
    @inlinable
    @_disfavoredOverload
    public func resident<I: Codable, R: BitwiseCopyable>(
        _ body: @escaping (I) throws -> R
    ) throws(Failure) -> Resident<I, R> {
        try makeResident(.coded, .plain, BatchBodies.codedInputs(body))
    }

    /// Starts workers that stay, for one body whose inputs and results are coded.
    ///
    /// - Parameter body: Runs in a worker, once for each input. It may capture anything.
    /// - Returns: The running pool.
    /// - Throws: The refusal, if the system refuses memory or every worker.
    @inlinable
    @_disfavoredOverload
    public func resident<I: Codable, R: Codable>(
        _ body: @escaping (I) throws -> R
    ) throws(Failure) -> Resident<I, R> {
        try makeResident(.coded, .coded, BatchBodies.coded(body))
    }

    /// Starts workers that stay, for one body whose inputs are coded.
    ///
    /// - Parameter body: Runs in a worker, once for each input. It may capture anything.
    /// - Returns: The running pool.
    /// - Throws: The refusal, if the system refuses memory or every worker.
    @inlinable
    @_disfavoredOverload
    public func resident<I: Codable, R: BitwiseCopyable & Codable>(
        _ body: @escaping (I) throws -> R
    ) throws(Failure) -> Resident<I, R> {
        try makeResident(.coded, .plain, BatchBodies.codedInputs(body))
    }
}

extension ForkPool {
    /// Forks the workers of a resident pool.
    @usableFromInline
    func makeResident<I, R>(
        _ input: WireFormat<I>, _ output: WireFormat<R>, _ body: @escaping BatchBody
    ) throws(Failure) -> Resident<I, R> {
        try checkThreads()
        WarmUp.done
        return try makeResident(input, output, body, setUp: options.setUp, tearDown: options.tearDown)
    }

    func makeResident<I, R>(
        _ input: WireFormat<I>, _ output: WireFormat<R>, _ body: @escaping BatchBody, setUp: (() throws -> Void)?,
        tearDown: (() -> Void)?
    ) throws(Failure) -> Resident<I, R> {
        do throws(SystemError) {
            let pool = try Pool(workers: workers, options: options, for: .forked)
            let worker = WorkerMain(
                region: pool.layout, eventFD: pool.event.descriptor, settings: WorkerSettings(options), setUp: setUp,
                tearDown: tearDown, body: body)
            let starter = try TemplateStarter { () throws(SystemError) in
                try Template(worker, layout: pool.layout, eventFD: pool.event.descriptor)
            }
            return try start(pool, starter, input, output)
        } catch {
            throw Failure(refused: error, index: nil)
        }
    }

    /// Starts the workers and their keeper.
    func start<I, R>(
        _ pool: Pool, _ starter: any Starter, _ input: WireFormat<I>, _ output: WireFormat<R>
    ) throws(SystemError) -> Resident<I, R> {
        let over = PrivateEvent()
        try PoolSupervisor.start(pool, starter, over: over)
        return Resident(pool: pool, over: over, input: input, output: output)
    }
}
