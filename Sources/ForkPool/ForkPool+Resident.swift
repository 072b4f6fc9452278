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
        _ input: Crossing<I>, _ output: Crossing<R>, _ body: @escaping BatchBody
    ) throws(Failure) -> Resident<I, R> {
        try checkThreads()
        WarmUp.done
        return try makeResident(input, output, body, setUp: options.setUp, tearDown: options.tearDown)
    }

    func makeResident<I, R>(
        _ input: Crossing<I>, _ output: Crossing<R>, _ body: @escaping BatchBody, setUp: (() throws -> Void)?,
        tearDown: (() -> Void)?
    ) throws(Failure) -> Resident<I, R> {
        do throws(SystemError) {
            let core = try ResidentCore(workers: workers, options: options, named: false)
            let worker = ResidentWorker(
                memory: core.memory, bell: core.bell.descriptor, life: WorkerLife(options), setUp: setUp,
                tearDown: tearDown, body: body)
            let source = try Templates { () throws(SystemError) in
                try Template(worker, memory: core.memory, bell: core.bell.descriptor)
            }
            return try start(core, source, input, output)
        } catch {
            throw Failure(refused: error, index: nil)
        }
    }

    /// Starts the workers and their keeper.
    func start<I, R>(
        _ core: ResidentCore, _ source: any ProcessSource, _ input: Crossing<I>, _ output: Crossing<R>
    ) throws(SystemError) -> Resident<I, R> {
        let over = PrivateEvent()
        try Keeper.start(core: core, source: source, over: over)
        return Resident(core: core, over: over, input: input, output: output)
    }
}
