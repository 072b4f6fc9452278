// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPoolLaunch
import ForkPool
import Glibc

extension CommandRunner {
    /// How many captures of finished jobs may stay open while they wait, for each slot.
    private static let capturesHeld = 8

    /// Returns a job as it waits for its turn: in memory, or in a file if the budget is used up.
    ///
    /// - Throws: `OutputError`.
    func waiting(_ finished: FinishedJob) throws -> WaitingJob {
        guard reorderBuffer.mustWait(finished.job.position) else { return .held(finished, memory: 0) }
        var finished = finished
        let isCrowded = memory.heldCaptures + finished.captures > Self.capturesHeld * settings.jobs
        let size = isCrowded ? finished.wholeMemory : finished.memory
        if memory.hasRoom(for: size) {
            if isCrowded {
                (finished.output, finished.errors) = (try finished.output.inMemory(), try finished.errors.inMemory())
            }
            memory.held += size
            memory.heldCaptures += finished.captures
            return .held(finished, memory: size)
        }
        if finished.output.memory + finished.errors.memory > 1 << 20 { usePipes() }
        let line = log == nil || finished.result.isUnfinished ? nil : JobLog.line(finished)
        let file: StoredOutputs
        if let storedOutputs {
            file = storedOutputs
        } else {
            file = try StoredOutputs(in: settings.temporaryFolder, for: finished.job.number)
        }
        storedOutputs = file
        return .stored(try StoredJob(finished, failure: finished.failure(settings.limits), line: line, in: file))
    }

    /// Moves outputs of running jobs from memory to files if they grow beyond the budget.
    ///
    /// The first look is soon after the first start; a job that ends before it costs nothing.
    func checkMemory() throws {
        guard let look = memory.nextLook else { return }
        let time = now()
        guard look <= time else { return }
        let pause = memory.pause(jobs: settings.jobs)
        memory.nextLook = time + pause
        // So that a write that waits for its reader is interrupted as often.
        RunSignals.setTick(nanoseconds: pause)
        // The files of --results are up to date for others, and after a kill.
        if settings.results != nil {
            for case let each? in running { for capture in [each.output, each.errors] { try capture?.follow() } }
        }
        var sizes: [(slot: Int, size: Int)] = []
        for slot in running.indices {
            guard let each = running[slot], time - each.start >= OutputMemory.firstLook else { continue }
            let size = (each.output?.memory ?? 0) + (each.errors?.memory ?? 0)
            if size > 0 { sizes.append((slot, size)) }
        }
        var sum = sizes.reduce(0) { $0 + $1.size }
        guard !memory.hasRoom(for: sum) else { return }
        usePipes()
        // Jobs that write faster than outputs are moved would still fill the memory. A pipe stops them by itself.
        let writers = running.indices.filter { running[$0]?.output.map { $0.pipe == nil } == true }
        for slot in writers { running[slot]?.process.kill(SIGSTOP) }
        defer { for slot in writers { running[slot]?.process.kill(SIGCONT) } }
        for (slot, size) in sizes.sorted(by: { $0.size > $1.size }) where !memory.hasRoom(for: sum * 2) {
            try running[slot]?.output?.move(toDiskOf: settings.temporaryFolder)
            try running[slot]?.errors?.move(toDiskOf: settings.temporaryFolder)
            sum -= size
        }
    }

    /// From now on jobs write to pipes.
    private func usePipes() {
        memory.usesPipes = true
        emptyCaptures.removeAll()
        usedCaptures.removeAll()
    }
}
#endif
