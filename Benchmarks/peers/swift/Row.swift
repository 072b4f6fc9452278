// SPDX-License-Identifier: Apache-2.0
import ForkPool
import Glibc

/// The result of a row.
enum Row {
    /// The nanoseconds of the work, and of the same work in a loop if that was measured.
    case took(Int64, sequential: Int64? = nil)
    /// How many results there are if an item kills its worker, and whether the pool works after that.
    case damage(got: Int, then: Bool)
}

/// Ends the program if a result is wrong: then there is nothing to compare.
struct WrongResults: Error {}

/// Returns the nanoseconds of work; checks its results after that.
func timed<R>(_ areRight: (R) -> Bool, per count: Int = 1, _ work: () throws -> R) throws -> Row {
    let start = now()
    let results = try work()
    let took = now() - start
    guard areRight(results) else { throw WrongResults() }
    return .took(took / Int64(count))
}

/// Returns the nanoseconds of a map of computation, and of the same work in this process.
func besideOneAfterTheOther(_ count: Int, _ map: () throws -> [Int]) throws -> Row {
    guard Work.Churn(turns: 10_000).run(0) == 1_043_618_065 else { throw WrongResults() }
    let job = Work.Churn()
    let start = now()
    let expected = (0..<count).map(job.run)
    let sequential = now() - start
    guard case .took(let took, _) = try timed({ $0 == expected }, map) else { throw WrongResults() }
    return .took(took, sequential: sequential)
}

/// Counts the outcomes that are the expected results.
func right(_ outcomes: [Result<Int, ForkPool.Failure>]) -> Int {
    outcomes.indices.count { (try? outcomes[$0].get()) == $0 }
}

/// Returns the nanoseconds of the monotonic clock.
private func now() -> Int64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
