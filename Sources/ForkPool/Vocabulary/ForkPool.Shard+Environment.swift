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
    /// | a Slurm array | `SLURM_ARRAY_TASK_ID`, `_MIN`, `_MAX`, `_COUNT` and `_STEP` |
    /// | an indexed job of Kubernetes | `JOB_COMPLETION_INDEX`, and `FORKPOOL_SHARDS` or `JOB_COMPLETIONS`, which its pods are to get |
    /// | AWS Batch | `AWS_BATCH_JOB_ARRAY_INDEX` and `AWS_BATCH_JOB_ARRAY_SIZE` |
    /// | LSF | `LSB_JOBINDEX`, `LSB_JOBINDEX_END` and `LSB_JOBINDEX_STEP`; from 1 on, unless `LSB_JOBNAME` says `[5-8]` |
    /// | SGE | `SGE_TASK_ID`, `SGE_TASK_FIRST`, `_LAST` and `_STEPSIZE` |
    /// | GitLab | `CI_NODE_INDEX` (from 1 on) and `CI_NODE_TOTAL` |
    /// | Buildkite | `BUILDKITE_PARALLEL_JOB` and `BUILDKITE_PARALLEL_JOB_COUNT` |
    /// | CircleCI | `CIRCLE_NODE_INDEX` and `CIRCLE_NODE_TOTAL` |
    /// | `srun`, if asked for | `SLURM_PROCID` and `SLURM_NTASKS` |
    ///
    /// - Parameter countsSlurmTasks: Whether the tasks of a plain `srun` are shards.
    /// - Returns: The shard, or nil.
    /// - Throws: `shardInvalid` if a number is missing, is none, or is out of range, or if an array has gaps: numbers as
    ///   `1,3,7`, which no first one, last one and step describe.
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
        /// The name of the array, where it may say the numbers.
        var name: String?
        /// Where it says the last number; then there need be no count.
        var last: String?
        /// Where it says the distance between two numbers, and whether it always does.
        var step: String?
        var needsStep = false
        /// What the index is where the process is none of several.
        var absent: String?
    }

    private static let launchers = [
        Launcher(index: "FORKPOOL_SHARD", counts: ["FORKPOOL_SHARDS"]),
        Launcher(
            index: "SLURM_ARRAY_TASK_ID", counts: ["SLURM_ARRAY_TASK_COUNT"], firstVariable: "SLURM_ARRAY_TASK_MIN",
            last: "SLURM_ARRAY_TASK_MAX", step: "SLURM_ARRAY_TASK_STEP"),
        Launcher(index: "JOB_COMPLETION_INDEX", counts: ["FORKPOOL_SHARDS", "JOB_COMPLETIONS"]),
        Launcher(index: "AWS_BATCH_JOB_ARRAY_INDEX", counts: ["AWS_BATCH_JOB_ARRAY_SIZE"]),
        Launcher(
            index: "LSB_JOBINDEX", counts: [], first: 1, name: "LSB_JOBNAME", last: "LSB_JOBINDEX_END",
            step: "LSB_JOBINDEX_STEP", absent: "0"),
        Launcher(
            index: "SGE_TASK_ID", counts: [], first: 1, firstVariable: "SGE_TASK_FIRST", last: "SGE_TASK_LAST",
            step: "SGE_TASK_STEPSIZE", needsStep: true, absent: "undefined"),
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
        func needed(_ name: String) throws(ForkPool.Failure) -> Int {
            guard let number = try number(name) else { throw refuseMissing([name]) }
            return number
        }
        var first = try launcher.firstVariable.map(needed) ?? launcher.first
        if let name = launcher.name, let text = variable(name), let list = Self.numbers(in: text) {
            guard !list.contains(",") else { throw .shardGaps(launcher.index, "\(name) is \"\(text)\"") }
            let bounds = list.split(separator: "-")
            // The name may have the number of this task alone, which is no range.
            if bounds.count == 2, let start = Int(bounds[0]) { first = start }
        }
        var step = 1
        if let name = launcher.step { step = max(1, try launcher.needsStep ? needed(name) : number(name) ?? 1) }
        var count: (name: String, number: Int)?
        for name in launcher.counts where count == nil {
            if let number = try number(name) { count = (name, number) }
        }
        if let name = launcher.last, let last = try number(name) {
            let counted = last < first ? 0 : (min(last, .max - 1) - first) / step + 1
            if let count, count.number != counted {
                let numbers = "\(counted) numbers from \(first) to \(last)"
                throw .shardGaps(launcher.index, "\(count.name) is \(count.number), and there are \(numbers)")
            }
            count = (count?.name ?? name, counted)
        }
        guard let count else {
            throw refuseMissing(launcher.counts.isEmpty ? launcher.last.map { [$0] } ?? [] : launcher.counts)
        }
        guard own >= first, (own - first).isMultiple(of: step), (own - first) / step < count.number else {
            throw .shardInvalid(
                "\(launcher.index) is \(own), which is none of \(count.number) numbers from \(first) on"
                    + (step == 1 ? "" : " in steps of \(step)") + ", as \(count.name) has them")
        }
        return ForkPool.Shard(index: (own - first) / step, count: count.number)
    }

    /// The numbers in the name of an array: "5-8:2" of "night[5-8:2]%4".
    private static func numbers(in name: String) -> Substring? {
        guard let start = name.lastIndex(of: "["), let end = name.lastIndex(of: "]"), start < end else { return nil }
        return name[name.index(after: start)..<end]
    }
}

extension ForkPool.Failure {
    static func shardGaps(_ variable: String, _ reason: String) -> Self {
        shardInvalid("the numbers of the array of \(variable) have gaps: \(reason); number the tasks without gaps")
    }

    static func shardInvalid(_ reason: String) -> Self {
        Self(.shardInvalid, index: nil, "the shard of this process is not known: \(reason)", ran: .no)
    }
}
