// SPDX-License-Identifier: Apache-2.0
internal import CForkPool

/// Tells a body which attempt at its item it makes.
enum Attempt {
    /// Runs a claim whose first item is at attempt `number`, and every other one at its first; returns whether to continue.
    @inline(__always)
    static func run(
        _ range: Range<Int>, _ number: Int, _ run: (_ part: Range<Int>, _ claim: Range<Int>) -> Bool
    ) -> Bool {
        guard number > 1 else { return run(range, range) }
        let first = range.lowerBound..<range.lowerBound + 1
        var worker = cforkpool_get_worker()
        worker.attempt = Int32(truncatingIfNeeded: number)
        cforkpool_set_worker(worker)
        let continues = run(first, range)
        worker.attempt = 1
        cforkpool_set_worker(worker)
        let rest = first.upperBound..<range.upperBound
        return continues && (rest.isEmpty || run(rest, rest))
    }
}
