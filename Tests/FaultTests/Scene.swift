// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

/// Runs a fault in a process of its own, with a deadline, and checks what must hold afterwards.
enum Scene {
    static let squares = [0, 1, 4, 9, 16, 25, 36, 49, 64, 81]
    static let words = ["item 0", "item 1", "item 2", "item 3"]

    /// Ends this process by SIGALRM if it still runs after ten minutes: then it hangs, however busy the machine is.
    static func setDeadline() {
        // A Dispatch thread, on which a test may run, blocks the signal, and so may every other thread.
        var alone = sigset_t()
        unsafe sigemptyset(&alone)
        unsafe sigaddset(&alone, SIGALRM)
        unsafe pthread_sigmask(SIG_UNBLOCK, &alone, nil)
        alarm(600)
    }

    /// Runs `work` with a deadline; records a thrown error as an issue.
    static func run(_ work: () throws -> Void) {
        setDeadline()
        do { try work() } catch { Issue.record(error) }
    }

    /// Does the same, and expects that nothing is left.
    static func leaveNothing(_ work: () throws -> Void) {
        run { try expectSame(work) }
    }

    /// The same in asynchronous code.
    nonisolated(nonsending) static func leaveNothing(
        _ work: nonisolated(nonsending) () async throws -> Void
    ) async {
        setDeadline()
        do { try await expectSame(work) } catch { Issue.record(error) }
    }

    /// Runs `work`, and expects that it leaves nothing, also where it throws.
    static func expectSame(_ work: () throws -> Void) throws {
        let before = Census.now()
        defer { expectNothingLeft(since: before) }
        try work()
    }

    /// The same in asynchronous code.
    nonisolated(nonsending) static func expectSame(
        _ work: nonisolated(nonsending) () async throws -> Void
    ) async throws {
        let before = Census.now()
        defer { expectNothingLeft(since: before) }
        try await work()
    }

    /// Expects that the process has the same resources as before; waits for threads and tasks that are no longer needed
    /// to release theirs.
    static func expectNothingLeft(since before: Census, sourceLocation: SourceLocation = #_sourceLocation) {
        let now = Census.now(expecting: before)
        #expect(now == before, "something is left: \(before) became \(now)", sourceLocation: sourceLocation)
    }

    /// Expects the same but for shared mappings, of which there may be fewer.
    static func expectNoMore(than before: Census, sourceLocation: SourceLocation = #_sourceLocation) {
        var expected = before
        expected.sharedMappings = min(before.sharedMappings, Census.now().sharedMappings)
        expectNothingLeft(since: expected, sourceLocation: sourceLocation)
    }

    /// Expects that a task ends as cancelled.
    static func expectCancelled<T>(_ task: Task<T, any Error>) async {
        switch await task.result {
        case .success: Issue.record("it was not cancelled")
        case .failure(let error as ForkPool.Failure): #expect(error.code == .cancelled, "\(error)")
        case .failure(let error): Issue.record(error)
        }
    }

    /// Whether a process does not exist any more.
    static func isGone(_ pid: Int32) -> Bool { kill(pid, 0) == -1 && errno == ESRCH }
}

// MARK: - Warm pools

extension Scene {
    typealias Pool = AnyPool<Performer>

    /// Runs `fault` with a warm pool that does deeds; expects that the same pool then works as before and that nothing
    /// is left after its end.
    static func survive(
        _ kind: Kind, workers: Int = 2, options: ForkPool.Options = .init(), _ fault: (Pool) throws -> Void
    ) {
        survive(Performer(), kind, workers: workers, options: options, answersRight, fault)
    }

    /// The same with a job of the test's own; `check`, if given, warms the pool and checks its results.
    static func survive<J: PlainJob>(
        _ job: J, _ kind: Kind, workers: Int = 2, options: ForkPool.Options = .init(),
        _ check: ((AnyPool<J>) throws -> Void)?, _ fault: (AnyPool<J>) throws -> Void
    ) {
        leaveNothing { () throws in
            let pool = try kind.start(job, workers: workers, options: options)
            try check?(pool)
            let warm = Census.now()
            try fault(pool)
            // Between two maps a one-shot pool holds the same resources as before, or no memory if a worker died.
            if kind == .oneShot, check != nil { expectNoMore(than: warm) }
            try check?(pool)
            pool.close()
        }
    }

    /// The same in asynchronous code.
    static func survive(
        _ kind: Kind, workers: Int = 2, options: ForkPool.Options = .init(), _ fault: (Pool) async throws -> Void
    ) async {
        await leaveNothing { () async throws in
            let pool = try kind.start(Performer(), workers: workers, options: options)
            try await answersRightAsync(pool)
            let warm = Census.now()
            try await fault(pool)
            if kind == .oneShot { expectNoMore(than: warm) }
            try await answersRightAsync(pool)
            await pool.finish()
        }
    }

    /// The same with a one-shot pool, for closures of the test's own.
    static func survive(
        workers: Int = 2, options: ForkPool.Options = .init(), _ fault: (ForkPool) throws -> Void
    ) {
        survive(.oneShot, workers: workers, options: options) { pool throws in try fault(pool.oneShot!) }
    }

    static func survive(
        workers: Int = 2, options: ForkPool.Options = .init(), _ fault: (ForkPool) async throws -> Void
    ) async {
        await survive(.oneShot, workers: workers, options: options) { pool async throws in
            try await fault(pool.oneShot!)
        }
    }

    /// Uses a pool once in each way that its kind has.
    static func answersRight(_ pool: Pool) throws(ForkPool.Failure) {
        if let pool = pool.oneShot { return try answersRight(pool) }
        #expect(try pool.map(deeds) == squares)
        #expect(try pool(.give(7)) == 7)
        #expect(try pool.submit(.give(8)).wait() == 8)
    }

    /// Maps once with each way of handing results over.
    static func answersRight(_ pool: ForkPool) throws(ForkPool.Failure) {
        #expect(try pool.map(0..<10) { $0 * $0 } == squares)
        #expect(try pool.map(0..<4) { "item \($0)" } == words)
    }

    private static func answersRightAsync(_ pool: Pool) async throws(ForkPool.Failure) {
        if let pool = pool.oneShot {
            #expect(try await pool.map(0..<10) { $0 * $0 } == squares)
            #expect(try await pool.map(0..<4) { "item \($0)" } == words)
            return
        }
        #expect(try await pool.map(deeds) == squares)
        #expect(try await pool(.give(7)) == 7)
        #expect(try await pool.submit(.give(8)).value == 8)
    }

    private static let deeds: [Deed] = squares.map { .give($0) }
}

// MARK: - Helpers

extension Result {
    /// The failure, or nil.
    var failure: Failure? {
        if case .failure(let failure) = self { failure } else { nil }
    }

    /// The value, or nil.
    var value: Success? {
        try? get()
    }
}

/// Returns its argument, opaque to the optimizer.
@inline(never) @_optimize(none)
func opaque<T>(_ value: T) -> T {
    value
}

/// Returns the failure of a call that must fail.
func failure<T>(of call: () throws(ForkPool.Failure) -> T) -> ForkPool.Failure? {
    do throws(ForkPool.Failure) {
        _ = try call()
        Issue.record("nothing was thrown")
        return nil
    } catch {
        return error
    }
}
