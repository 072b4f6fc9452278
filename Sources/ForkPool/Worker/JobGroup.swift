// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// The jobs of a pool that has several, in a worker.
struct JobGroup {
    private let runners: [JobRunner]

    init(_ runners: [JobRunner]) {
        self.runners = runners
    }

    /// Runs the job that a batch is for.
    var body: BatchBody {
        let bodies = runners.map(\.body)
        return { range, writer, inputs in
            // With a damaged number the worker leaves the batch; the parent writes its slot again.
            guard bodies.indices.contains(inputs.job) else { return false }
            return bodies[inputs.job](range, writer, inputs)
        }
    }

    /// Runs each job's `setUp`, in their order, and says in the worker's record which one.
    func setUp(_ record: WorkerRecord) throws {
        for (job, runner) in runners.enumerated() {
            unsafe record.stage.pointee.store(WorkerRecord.Stage.settingUp(job), ordering: .releasing)
            try runner.setUp()
        }
    }

    /// Runs each job's `tearDown`, the last one first.
    func tearDown() {
        for runner in runners.reversed() { runner.tearDown() }
    }
}
