// SPDX-License-Identifier: Apache-2.0
import ForkPool
import Synchronization

/// The wrong way: tasks use the library at once.
///
/// It runs in a worker by exec, which may crash or hang.
struct WithoutLock: ForkPool.Job {
    /// Reads each text twenty times and returns how many digests are wrong.
    func run(_ records: [Record]) async throws -> Int {
        await withTaskGroup { group in
            for _ in 0..<20 {
                for record in records {
                    // On the threads of all processors: otherwise the tasks of a job run on its worker's own thread.
                    group.addTask(executorPreference: globalConcurrentExecutor) {
                        Record.digest(record.text) == record.digest ? 0 : 1
                    }
                }
            }
            return await group.reduce(0, +)
        }
    }
}

/// The library, for one task at a time.
private let library = Mutex(())

/// The right way in one process: each task waits for its turn.
func digestsWithLock(_ records: [Record]) async -> [Int] {
    await withTaskGroup { group in
        for (index, record) in records.enumerated() {
            group.addTask { (index, library.withLock { _ in Record.digest(record.text) }) }
        }
        var digests = records.map { _ in 0 }
        for await (index, digest) in group { digests[index] = digest }
        return digests
    }
}
