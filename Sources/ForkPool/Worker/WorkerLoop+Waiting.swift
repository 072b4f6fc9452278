// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Synchronization

// How an idle worker waits: it spins for a moment if a processor is free for that, and then sleeps.

extension WorkerLoop {
    /// How long an idle worker spins, in nanoseconds: four times the cost of a wake.
    ///
    /// This time is lost if the caller waits for this processor, unseen.
    private static let spinTime = 20_000

    /// Looks for work without a pause for a while, if a processor is free for it; returns whether there is any.
    func spin() -> Bool {
        let awake = region.workers - sleepers.population
        // The parent runs too.
        guard unsafe awake < region.processors.pointee.load(ordering: .relaxed) else { return false }
        let end = monotonicNanoseconds() + Self.spinTime
        while true {
            let processor = Int(cforkpool_sched_getcpu())
            unsafe region.spinnerProcessor.pointee.store(processor, ordering: .relaxed)
            // A caller on this processor cannot bring work while the worker holds it.
            guard unsafe region.callerProcessor.pointee.load(ordering: .relaxed) != processor else { return false }
            for _ in 0..<32 {
                if nextOpen(from: 0) != nil { return true }
                cforkpool_pause()
            }
            if monotonicNanoseconds() > end { return false }
        }
    }

    /// Sleeps until there may be work.
    ///
    /// What bodies printed of a line that is not complete is written before.
    func sleep() {
        // That can wait for the reader of a pipe: no caller may count on this worker meanwhile.
        seekers.remove(worker)
        cforkpool_flush_output()
        record.announceSleep()
        sleepers.insert(worker)
        // A stream that looked in between found no free worker.
        signalFree()
        if nextOpen(from: 0) == nil, !isClosing { record.waitUntilWoken() }
        record.stayAwake()
        seekers.insert(worker)
        sleepers.remove(worker)
    }
}
