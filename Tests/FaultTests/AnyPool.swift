// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport

/// A job without anything asynchronous: a closure can do the same.
protocol PlainJob: ForkPool.Job, Sendable where Input: Sendable, Output: Sendable {
    func act(_ input: Input) throws -> Output
}

extension PlainJob {
    func run(_ input: Input) async throws -> Output { try act(input) }
}

/// A pool of any kind that does a job, asked in one way.
struct AnyPool<J: PlainJob>: Sendable {
    typealias Input = J.Input
    typealias Output = J.Output

    enum Nature: Sendable {
        case oneShot(ForkPool, J)
        case resident(ForkPool.Resident<Input, Output>)
    }

    private let nature: Nature

    init(_ nature: Nature) { self.nature = nature }

    /// The pool itself if it is one-shot.
    var oneShot: ForkPool? { oneShotParts?.pool }

    /// The pool itself and its job if it is one-shot.
    var oneShotParts: (pool: ForkPool, job: J)? {
        if case .oneShot(let pool, let job) = nature { (pool, job) } else { nil }
    }

    /// The pool itself if its workers stay; tests of calls and ends start no other kind.
    var resident: ForkPool.Resident<Input, Output> {
        guard case .resident(let pool) = nature else { fatalError("a one-shot pool has neither calls nor an end") }
        return pool
    }

    /// The same workers with other options.
    func with(_ change: (inout ForkPool.CallOptions) -> Void) -> Self {
        switch nature {
        case .oneShot(let pool, let job): Self(.oneShot(pool.with(change), job))
        case .resident(let pool): Self(.resident(pool.with(change)))
        }
    }

    var workers: Int { oneShot?.workers ?? resident.workers }
    var pending: Int { oneShot?.pending ?? resident.pending }
    var busy: Int { oneShot?.busy ?? resident.busy }
}

// MARK: - Maps

extension AnyPool {
    func map<C: Collection>(_ inputs: C) throws(ForkPool.Failure) -> [Output] where C.Element == Input {
        switch nature {
        case .oneShot(let pool, let job): try pool.map(inputs) { try job.act($0) }
        case .resident(let pool): try pool.map(inputs)
        }
    }

    func mapResults<C: Collection>(_ inputs: C) -> [Result<Output, ForkPool.Failure>] where C.Element == Input {
        switch nature {
        case .oneShot(let pool, let job): pool.mapResults(inputs) { try job.act($0) }
        case .resident(let pool): pool.mapResults(inputs)
        }
    }

    func forEach<C: Collection>(_ inputs: C) throws(ForkPool.Failure) where C.Element == Input {
        switch nature {
        case .oneShot(let pool, let job): try pool.forEach(inputs) { _ = try job.act($0) }
        case .resident(let pool): try pool.forEach(inputs)
        }
    }

    nonisolated(nonsending) func map<C: Collection>(
        _ inputs: C
    ) async throws(ForkPool.Failure) -> [Output] where C.Element == Input {
        switch nature {
        case .oneShot(let pool, let job): try await pool.map(inputs) { try job.act($0) }
        case .resident(let pool): try await pool.map(inputs)
        }
    }

    nonisolated(nonsending) func mapResults<C: Collection>(
        _ inputs: C
    ) async -> [Result<Output, ForkPool.Failure>] where C.Element == Input {
        switch nature {
        case .oneShot(let pool, let job): await pool.mapResults(inputs) { try job.act($0) }
        case .resident(let pool): await pool.mapResults(inputs)
        }
    }

    func stream<S: Sequence>(
        _ inputs: S, order: ForkPool.Order = .input, window: Int? = nil
    ) -> ForkPool.Stream<Output> where S.Element == Input {
        switch nature {
        case .oneShot(let pool, let job): pool.stream(inputs, order: order, window: window) { try job.act($0) }
        case .resident(let pool): pool.stream(inputs, order: order, window: window)
        }
    }
}

// In a one-shot map these results are stored as they stand; the other methods code everything.
extension AnyPool where J.Output: BitwiseCopyable {
    func map<C: Collection>(_ inputs: C) throws(ForkPool.Failure) -> [Output] where C.Element == Input {
        switch nature {
        case .oneShot(let pool, let job): try pool.map(inputs) { try job.act($0) }
        case .resident(let pool): try pool.map(inputs)
        }
    }

    func mapResults<C: Collection>(_ inputs: C) -> [Result<Output, ForkPool.Failure>] where C.Element == Input {
        switch nature {
        case .oneShot(let pool, let job): pool.mapResults(inputs) { try job.act($0) }
        case .resident(let pool): pool.mapResults(inputs)
        }
    }
}

// MARK: - Calls

extension AnyPool {
    /// Calls the pool; in a one-shot pool a call is a map of one item.
    func callAsFunction(_ input: Input) throws(ForkPool.Failure) -> Output {
        switch nature {
        case .oneShot: try map([input])[0]
        case .resident(let pool): try pool(input)
        }
    }

    nonisolated(nonsending) func callAsFunction(_ input: Input) async throws(ForkPool.Failure) -> Output {
        switch nature {
        case .oneShot: try await map([input])[0]
        case .resident(let pool): try await pool(input)
        }
    }

    func submit(_ input: Input) -> ForkPool.Call<Output> { resident.submit(input) }
}

// MARK: - The end

extension AnyPool {
    /// Closes the pool, which finishes its work first; a one-shot pool has nothing to close.
    func close() {
        if case .resident(let pool) = nature { pool.close() }
    }

    func cancel() {
        if case .resident(let pool) = nature { pool.cancel() }
    }

    nonisolated(nonsending) func finish() async {
        if case .resident(let pool) = nature { await pool.finish() }
    }
}
