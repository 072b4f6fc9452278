import ForkPool
import Glibc
import Testing

/// A fault and what holds after it, for resident pools.
enum ResidentScene {
    typealias Pool = ForkPool.Resident<Deed, Int>

    /// How a pool is ended.
    enum Ending: String, Codable, CaseIterable, Sendable {
        case close
        case cancel
        case drop
    }

    /// Runs `fault` with a warm pool; then the same pool answers as before, and nothing is left when it has ended.
    static func survive(
        _ way: Way, workers: Int = 2, options: ForkPool.Options = .init(),
        ending: Ending = .close, _ fault: (Pool) throws -> Void
    ) {
        survive(
            Performer(), way, workers: workers, options: options, ending: ending, answersRight, fault)
    }

    /// The same with a job of the test's own; `check` says whether the pool answers right.
    static func survive<J: PlainJob>(
        _ job: J, _ way: Way, workers: Int = 2, options: ForkPool.Options = .init(),
        ending: Ending = .close, _ check: (ForkPool.Resident<J.Input, J.Output>) throws(ForkPool.Failure) -> Void,
        _ fault: (ForkPool.Resident<J.Input, J.Output>) throws -> Void
    ) {
        Scene.setDeadline()
        let pristine = Census.now()
        do {
            let pool = try way.start(job, workers: workers, options: options)
            try check(pool)
            try fault(pool)
            try check(pool)
            switch ending {
            case .close: pool.close()
            case .cancel: pool.cancel()
            case .drop: break
            }
        } catch {
            Issue.record(error)
        }
        expectNothingLeft(since: pristine)
    }

    /// The same in asynchronous code, with a pool that is finished.
    static func survive(
        _ way: Way, workers: Int = 2, options: ForkPool.Options = .init(),
        _ fault: (Pool) async throws -> Void
    ) async {
        Scene.setDeadline()
        let pristine = Census.now()
        do {
            let pool = try way.start(Performer(), workers: workers, options: options)
            try await answersRightAsync(pool)
            try await fault(pool)
            try await answersRightAsync(pool)
            await pool.finish()
        } catch {
            Issue.record(error)
        }
        expectNothingLeft(since: pristine)
    }

    /// Expects what a process has to be what it was before.
    static func expectNothingLeft(since before: Census, sourceLocation: SourceLocation = #_sourceLocation) {
        let now = Census.now(expecting: before)
        #expect(now == before, "something is left: \(before) became \(now)", sourceLocation: sourceLocation)
    }

    /// Uses the pool once in each way.
    static func answersRight(_ pool: Pool) throws(ForkPool.Failure) {
        #expect(try pool.map(squares) == Scene.squares)
        #expect(try pool(.give(7)) == 7)
        #expect(try pool.submit(.give(8)).wait() == 8)
    }

    private static func answersRightAsync(_ pool: Pool) async throws(ForkPool.Failure) {
        #expect(try await pool.map(squares) == Scene.squares)
        #expect(try await pool(.give(7)) == 7)
        #expect(try await pool.submit(.give(8)).value == 8)
    }

    private static var squares: [Deed] { (0..<10).map { .give($0 * $0) } }

    /// Whether a process does not exist any more.
    static func isGone(_ pid: Int32) -> Bool { kill(pid, 0) == -1 && errno == ESRCH }
}
