// SPDX-License-Identifier: Apache-2.0

// How the jobs of a pool end that has several: the last one ends the pool.

extension Pool {
    /// Makes the pool that of several jobs, before it starts.
    func setJobs(_ names: [String]) {
        locked { $0.jobs = JobRoster(names) }
    }

    /// Finishes the work of a job; that of the last one, and with it the pool.
    func close(_ over: PrivateEvent, of job: Int) {
        guard isOwn else { return }
        let isOnlyJob = locked { state -> Bool in
            state.jobs?.refuse(job, because: "was closed")
            wakeRoomLine(&state)
            resumeStreams(&state)
            return state.jobs == nil
        }
        if !isOnlyJob {
            while let batch = locked({ $0.queue.batches.first { $0.shape.job == job } }) { wait(for: batch) }
        }
        if isOnlyJob || endJob(job) { close(over) }
    }

    /// Cancels the work of a job; that of the last one by the end of the pool.
    func cancel(_ over: PrivateEvent, of job: Int, because refusal: String) {
        guard isOwn else { return }
        let batches = locked { state -> [Batch]? in
            state.jobs?.refuse(job, because: refusal)
            guard state.jobs?.end(job) == false else { return nil }
            wakeRoomLine(&state)
            return state.queue.batches.filter { $0.shape.job == job }
        }
        guard let batches else { return cancel(over, because: refusal) }
        for batch in batches { cancel(batch, because: .poolEnded(refusal)) }
        // The supervisor, which may be the caller, ends them.
        if !over.isPromisedHere { for batch in batches { wait(for: batch) } }
        locked { resumeStreams(&$0) }
    }

    private func endJob(_ job: Int) -> Bool {
        locked { $0.jobs?.end(job) ?? true }
    }
}
