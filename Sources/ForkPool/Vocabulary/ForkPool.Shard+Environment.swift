// SPDX-License-Identifier: Apache-2.0
internal import Glibc

extension ForkPool.Shard {
    /// Reads which shard this process is from the variables of what started it; nil if it was not started as one.
    ///
    /// The first of these that is there counts:
    ///
    /// | started by | variables |
    /// |---|---|
    /// | anything | `FORKPOOL_SHARD` (from 0 on) and `FORKPOOL_SHARDS` |
    /// | a Slurm array | `SLURM_ARRAY_TASK_ID`, `_MIN`, `_COUNT` and `_STEP` |
    /// | an indexed job of Kubernetes | `JOB_COMPLETION_INDEX`, and `FORKPOOL_SHARDS` or `JOB_COMPLETIONS`, which its pods are to get |
    /// | AWS Batch | `AWS_BATCH_JOB_ARRAY_INDEX` and `AWS_BATCH_JOB_ARRAY_SIZE` |
    /// | LSF | `LSB_JOBINDEX` (from 1 on) and `LSB_JOBINDEX_END` |
    /// | SGE | `SGE_TASK_ID`, `SGE_TASK_FIRST`, `_LAST` and `_STEPSIZE` |
    /// | GitLab | `CI_NODE_INDEX` (from 1 on) and `CI_NODE_TOTAL` |
    /// | Buildkite | `BUILDKITE_PARALLEL_JOB` and `BUILDKITE_PARALLEL_JOB_COUNT` |
    /// | CircleCI | `CIRCLE_NODE_INDEX` and `CIRCLE_NODE_TOTAL` |
    /// | `srun`, if asked for | `SLURM_PROCID` and `SLURM_NTASKS` |
    ///
    /// - Parameter countsSlurmTasks: Whether the tasks of a plain `srun` are shards.
    /// - Returns: The shard, or nil.
    /// - Throws: `shardInvalid` if a number is missing, is none, or is out of range.
    public static func fromEnvironment(countsSlurmTasks: Bool = false) throws(ForkPool.Failure) -> ForkPool.Shard? {
        try from(countsSlurmTasks: countsSlurmTasks) { name in
            unsafe getenv(name).map { unsafe String(cString: $0) }
        }
    }

    /// How a launcher numbers its processes, by the names of variables.
    private struct Launcher {
        let index: String
        /// The count is in the first of these that is there.
        let counts: [String]
        /// The number of the first process, where the launcher does not say it by a variable.
        var first = 0
        var firstVariable: String?
        /// Where it says the last number: there is no count.
        var last: String?
        /// Where it says the distance between two numbers.
        var step: String?
        /// What the index is where the process is none of several.
        var absent: String?
    }

    private static let launchers = [
        Launcher(index: "FORKPOOL_SHARD", counts: ["FORKPOOL_SHARDS"]),
        Launcher(
            index: "SLURM_ARRAY_TASK_ID", counts: ["SLURM_ARRAY_TASK_COUNT"], firstVariable: "SLURM_ARRAY_TASK_MIN",
            step: "SLURM_ARRAY_TASK_STEP"),
        Launcher(index: "JOB_COMPLETION_INDEX", counts: ["FORKPOOL_SHARDS", "JOB_COMPLETIONS"]),
        Launcher(index: "AWS_BATCH_JOB_ARRAY_INDEX", counts: ["AWS_BATCH_JOB_ARRAY_SIZE"]),
        Launcher(
            index: "LSB_JOBINDEX", counts: [], first: 1, last: "LSB_JOBINDEX_END", step: "LSB_JOBINDEX_STEP",
            absent: "0"),
        Launcher(
            index: "SGE_TASK_ID", counts: [], first: 1, firstVariable: "SGE_TASK_FIRST", last: "SGE_TASK_LAST",
            step: "SGE_TASK_STEPSIZE", absent: "undefined"),
        Launcher(index: "CI_NODE_INDEX", counts: ["CI_NODE_TOTAL"], first: 1),
        Launcher(index: "BUILDKITE_PARALLEL_JOB", counts: ["BUILDKITE_PARALLEL_JOB_COUNT"]),
        Launcher(index: "CIRCLE_NODE_INDEX", counts: ["CIRCLE_NODE_TOTAL"]),
    ]
    private static let slurmTasks = Launcher(index: "SLURM_PROCID", counts: ["SLURM_NTASKS"])

    /// Does the same with variables that `variable` gives.
    static func from(
        countsSlurmTasks: Bool, _ variable: (String) -> String?
    ) throws(ForkPool.Failure) -> ForkPool.Shard? {
        // A process that is told the count alone would do the work of all.
        if variable("FORKPOOL_SHARDS") != nil, variable("FORKPOOL_SHARD") == nil,
            variable("JOB_COMPLETION_INDEX") == nil
        {
            throw .shardInvalid("FORKPOOL_SHARDS is set and FORKPOOL_SHARD is not; set both, or neither")
        }
        for launcher in launchers + (countsSlurmTasks ? [slurmTasks] : []) {
            if let shard = try shard(of: launcher, variable) { return shard }
        }
        return nil
    }

    private static func shard(
        of launcher: Launcher, _ variable: (String) -> String?
    ) throws(ForkPool.Failure) -> ForkPool.Shard? {
        func number(_ name: String) throws(ForkPool.Failure) -> Int? {
            guard let text = variable(name) else { return nil }
            guard let number = Int(text), number >= 0, !text.hasPrefix("+") else {
                throw .shardInvalid("\(name) is \"\(text)\", which is no number")
            }
            return number
        }
        guard let text = variable(launcher.index), text != launcher.absent, let own = try number(launcher.index) else {
            return nil
        }
        func refuseMissing(_ names: [String]) -> ForkPool.Failure {
            .shardInvalid("\(launcher.index) is set and \(names.joined(separator: " or ")) is not; set it, too")
        }
        var first = launcher.first
        if let name = launcher.firstVariable {
            guard let number = try number(name) else { throw refuseMissing([name]) }
            first = number
        }
        var step = 1
        if let name = launcher.step, let number = try number(name) { step = max(number, 1) }
        var count: (name: String, number: Int)?
        if let name = launcher.last, let last = try number(name) {
            count = (name, last < first ? 0 : (last - first) / step + 1)
        }
        for name in launcher.counts where count == nil {
            if let number = try number(name) { count = (name, number) }
        }
        guard let count else { throw refuseMissing(launcher.counts + (launcher.last.map { [$0] } ?? [])) }
        guard own >= first, (own - first).isMultiple(of: step), (own - first) / step < count.number else {
            throw .shardInvalid(
                "\(launcher.index) is \(own), which is none of \(count.number) numbers from \(first) on"
                    + (step == 1 ? "" : " in steps of \(step)") + ", as \(count.name) has them")
        }
        return ForkPool.Shard(index: (own - first) / step, count: count.number)
    }
}

extension ForkPool.Failure {
    static func shardInvalid(_ reason: String) -> Self {
        Self(.shardInvalid, index: nil, "the shard of this process is not known: \(reason)", ran: .no)
    }
}
