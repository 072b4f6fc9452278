import ForkPool
import Glibc
import Testing

/// A fault and what holds after it, in a process of its own that ends if it hangs.
enum Scene {
    static let squares = [0, 1, 4, 9, 16, 25, 36, 49, 64, 81]
    static let words = ["item 0", "item 1", "item 2", "item 3"]

    /// Ends this process if it still runs after ten minutes, when it hangs, however busy the machine is: its parent then sees
    /// SIGALRM.
    static func setDeadline() {
        // A thread of Dispatch's, on which a test may run, has it blocked, and so may every other thread.
        var alone = sigset_t()
        unsafe sigemptyset(&alone)
        unsafe sigaddset(&alone, SIGALRM)
        unsafe pthread_sigmask(SIG_UNBLOCK, &alone, nil)
        alarm(600)
    }

    /// Runs `fault` with a warm pool; then the same pool answers as before, and nothing is left.
    static func survive(
        workers: Int = 2, options: ForkPool.Options = .init(),
        _ fault: (ForkPool) throws -> Void
    ) {
        setDeadline()
        // Where SIGCHLD is ignored and so on is the fault's own affair: what is there is counted first.
        let pristine = Census.now()
        afterwards: do {
            let pool = ForkPool(workers: workers, options: options)
            answersRight(pool)
            let before = Census.now()
            do {
                try fault(pool)
            } catch {
                Issue.record(error)
                break afterwards
            }
            expectSame(before, "something is left")
            answersRight(pool)
            expectSame(before, "something is left")
        }
        expectSame(pristine, "something outlives the pool")
    }

    /// The same in asynchronous code.
    static func survive(
        workers: Int = 2, options: ForkPool.Options = .init(),
        _ fault: (ForkPool) async throws -> Void
    ) async {
        setDeadline()
        let pool = ForkPool(workers: workers, options: options)
        await answersRightAsync(pool)
        let before = Census.now()
        do {
            try await fault(pool)
        } catch {
            Issue.record(error)
            return
        }
        expectSame(before, "something is left")
        await answersRightAsync(pool)
        expectSame(before, "something is left")
    }

    private static func expectSame(_ before: Census, _ comment: String) {
        // What a task held may go a moment after it.
        let now = Census.now(expecting: before)
        #expect(now == before, "\(comment): \(before) became \(now)")
    }

    /// Maps once with each way of handing results over.
    static func answersRight(_ pool: ForkPool) {
        do throws(ForkPool.Failure) {
            #expect(try pool.map(0..<10) { $0 * $0 } == squares)
            #expect(try pool.map(0..<4) { "item \($0)" } == words)
        } catch {
            Issue.record(error)
        }
    }

    private static func answersRightAsync(_ pool: ForkPool) async {
        do throws(ForkPool.Failure) {
            #expect(try await pool.map(0..<10) { $0 * $0 } == squares)
            #expect(try await pool.map(0..<4) { "item \($0)" } == words)
        } catch {
            Issue.record(error)
        }
    }
}

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

/// Gives a value back in a way that no optimizer sees through.
@inline(never) @_optimize(none)
func opaque<T>(_ value: T) -> T {
    value
}

/// What a call that must fail threw.
func failure<T>(of call: () throws(ForkPool.Failure) -> T) -> ForkPool.Failure? {
    do throws(ForkPool.Failure) {
        _ = try call()
        Issue.record("nothing was thrown")
        return nil
    } catch {
        return error
    }
}
