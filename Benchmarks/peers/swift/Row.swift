import ForkPool
import Glibc

/// What a row has shown.
enum Row {
    /// The nanoseconds of the work, and of the same work one after the other where that was measured.
    case took(Int64, sequential: Int64? = nil)
    /// How many results there are though one item killed its worker, and whether the pool worked after it.
    case damage(got: Int, then: Bool)
}

/// A program that shows something wrong has nothing to compare.
struct WrongResults: Error {}

/// The nanoseconds of some work; its results are checked after them.
func timed<R>(_ areRight: (R) -> Bool, per count: Int = 1, _ work: () throws -> R) throws -> Row {
    let start = now()
    let results = try work()
    let took = now() - start
    guard areRight(results) else { throw WrongResults() }
    return .took(took / Int64(count))
}

/// The nanoseconds of a map of computation, and of the same in this process.
func besideOneAfterTheOther(_ count: Int, _ map: () throws -> [Int]) throws -> Row {
    guard Work.Churn(turns: 10_000).run(0) == 1_043_618_065 else { throw WrongResults() }
    let job = Work.Churn()
    let start = now()
    let expected = (0..<count).map(job.run)
    let sequential = now() - start
    guard case .took(let took, _) = try timed({ $0 == expected }, map) else { throw WrongResults() }
    return .took(took, sequential: sequential)
}

/// How many of some outcomes are the results that they should be.
func right(_ outcomes: [Result<Int, ForkPool.Failure>]) -> Int {
    outcomes.indices.count { (try? outcomes[$0].get()) == $0 }
}

/// The monotonic clock in nanoseconds.
private func now() -> Int64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
