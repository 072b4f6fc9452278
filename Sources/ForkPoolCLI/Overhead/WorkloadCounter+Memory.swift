// SPDX-License-Identifier: Apache-2.0
#if Command
import CForkCount
import Glibc

extension WorkloadCounter {
    /// Reads the memory per worker of a workload: the difference between n and 2n workers, divided by n.
    ///
    /// A parent that writes while its children start has more pages copied. So each run is repeated, and the least is used.
    ///
    /// - Throws: `OverheadError.workload` if the workload fails.
    func weigh(_ workload: Workload) throws(OverheadError) -> WorkloadCount {
        let (few, many) = (try least(workload, workload.count), try least(workload, 2 * workload.count))
        let each = zip(few, many).map { Double($1 - $0) / Double(workload.count) }
        let counts = Dictionary(uniqueKeysWithValues: zip(workload.counted, each))
        return WorkloadCount(workload: workload, counts: counts, reason: nil)
    }

    private func least(_ workload: Workload, _ count: Int) throws(OverheadError) -> [Int] {
        var least = try memory(workload, count)
        for _ in 1..<Self.repetitions { least = zip(least, try memory(workload, count)).map(min) }
        return least
    }

    /// Runs a workload in a process of its own; returns its private and shared memory and its page tables, in KiB.
    private func memory(_ workload: Workload, _ count: Int) throws(OverheadError) -> [Int] {
        cforkcount_fix_addresses(true)
        defer { cforkcount_fix_addresses(false) }
        let program = "exec /proc/\(getpid())/exe overhead --workload '\(workload.name)' --workload-count \(count)"
        let numbers = PythonPeer.output(of: program)?.split(separator: " ").compactMap { Int($0) } ?? []
        guard numbers.count == 3 else { throw .workload(workload.name) }
        return numbers
    }
}
#endif
