// SPDX-License-Identifier: Apache-2.0

/// A job with the state of this worker: a job like any other, for what runs jobs.
@safe struct KeptStateJob<Job: ForkPool.StatefulJob>: ForkPool.Job {
    private let job: Job
    private let box = StateBox<Job.State>()

    init(_ job: Job) {
        self.job = job
    }

    init(from decoder: any Decoder) throws {
        job = try Job(from: decoder)
    }

    func encode(to encoder: any Encoder) throws {
        try job.encode(to: encoder)
    }

    func run(_ input: Job.Input) async throws -> Job.Output {
        unsafe try await job.run(input, state: &box.place.pointee)
    }

    func _run(_ claim: _JobClaim) async -> Bool {
        unsafe await job._run(claim, state: &box.place.pointee)
    }

    func setUp() async throws {
        try await job.setUp()
        WorkerRecord.noteMakingState()
        unsafe box.place.initialize(to: try await job.makeState())
    }

    func tearDown() async {
        await job.tearDown(unsafe box.place.move())
        await job.tearDown()
    }
}

extension JobRunner {
    /// Makes the runner of a job, which keeps its state if it has one.
    static func of<J: ForkPool.Job>(_ job: J) -> JobRunner {
        guard let job = job as? any ForkPool.StatefulJob else { return JobRunner(job) }
        return keepingState(of: job)
    }

    private static func keepingState<J: ForkPool.StatefulJob>(of job: J) -> JobRunner {
        JobRunner(KeptStateJob(job))
    }
}
