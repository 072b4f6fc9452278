// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import ForkPool

@Suite("Shards")
struct ShardTests {
    @Test(
        "reads the variables of each launcher",
        arguments: [
            (["FORKPOOL_SHARD": "2", "FORKPOOL_SHARDS": "5"], "2/5"),
            (
                [
                    "SLURM_ARRAY_TASK_ID": "7", "SLURM_ARRAY_TASK_MIN": "4", "SLURM_ARRAY_TASK_COUNT": "8",
                    "SLURM_ARRAY_TASK_STEP": "1",
                ], "3/8"
            ),
            (
                [
                    "SLURM_ARRAY_TASK_ID": "10", "SLURM_ARRAY_TASK_MIN": "2", "SLURM_ARRAY_TASK_COUNT": "6",
                    "SLURM_ARRAY_TASK_STEP": "4",
                ], "2/6"
            ),
            (["JOB_COMPLETION_INDEX": "0", "JOB_COMPLETIONS": "3"], "0/3"),
            (["JOB_COMPLETION_INDEX": "1", "FORKPOOL_SHARDS": "3"], "1/3"),
            (["AWS_BATCH_JOB_ARRAY_INDEX": "4", "AWS_BATCH_JOB_ARRAY_SIZE": "9"], "4/9"),
            (["LSB_JOBINDEX": "1", "LSB_JOBINDEX_END": "4"], "0/4"),
            (["LSB_JOBINDEX": "3", "LSB_JOBINDEX_END": "7", "LSB_JOBINDEX_STEP": "2"], "1/4"),
            (["LSB_JOBINDEX": "5", "LSB_JOBINDEX_END": "8", "LSB_JOBNAME": "night[5-8]"], "0/4"),
            (
                [
                    "LSB_JOBINDEX": "8", "LSB_JOBINDEX_END": "10", "LSB_JOBINDEX_STEP": "3",
                    "LSB_JOBNAME": "night[5-10:3]%4",
                ], "1/2"
            ),
            (["LSB_JOBINDEX": "2", "LSB_JOBINDEX_END": "4", "LSB_JOBNAME": "night[2]"], "1/4"),
            (["LSB_JOBINDEX": "2", "LSB_JOBINDEX_END": "4", "LSB_JOBNAME": "night"], "1/4"),
            (
                [
                    "SLURM_ARRAY_TASK_ID": "8", "SLURM_ARRAY_TASK_MIN": "0", "SLURM_ARRAY_TASK_MAX": "8",
                    "SLURM_ARRAY_TASK_COUNT": "3", "SLURM_ARRAY_TASK_STEP": "4",
                ], "2/3"
            ),
            (["SGE_TASK_ID": "6", "SGE_TASK_FIRST": "2", "SGE_TASK_LAST": "8", "SGE_TASK_STEPSIZE": "2"], "2/4"),
            (["CI_NODE_INDEX": "1", "CI_NODE_TOTAL": "2"], "0/2"),
            (["BUILDKITE_PARALLEL_JOB": "1", "BUILDKITE_PARALLEL_JOB_COUNT": "2"], "1/2"),
            (["CIRCLE_NODE_INDEX": "3", "CIRCLE_NODE_TOTAL": "4"], "3/4"),
        ])
    func launchers(_ variables: [String: String], _ shard: String) throws {
        #expect(try ForkPool.Shard.from(countsSlurmTasks: false) { variables[$0] }?.description == shard)
    }

    @Test(
        "is none without such variables",
        arguments: [
            [:], ["CI_NODE_TOTAL": "1"], ["SLURM_PROCID": "1", "SLURM_NTASKS": "4"],
            ["LSB_JOBINDEX": "0", "LSB_JOBINDEX_END": "0"], ["SGE_TASK_ID": "undefined", "SGE_TASK_LAST": "undefined"],
        ] as [[String: String]])
    func absent(_ variables: [String: String]) throws {
        #expect(try ForkPool.Shard.from(countsSlurmTasks: false) { variables[$0] } == nil)
    }

    @Test("counts the tasks of srun if asked for")
    func slurmTasks() throws {
        let variables = ["SLURM_PROCID": "1", "SLURM_NTASKS": "4"]
        #expect(try ForkPool.Shard.from(countsSlurmTasks: true) { variables[$0] } == .init(index: 1, count: 4))
    }

    @Test("prefers its own variables")
    func order() throws {
        let variables = [
            "FORKPOOL_SHARD": "1", "FORKPOOL_SHARDS": "2", "CIRCLE_NODE_INDEX": "3", "CIRCLE_NODE_TOTAL": "4",
        ]
        #expect(try ForkPool.Shard.from(countsSlurmTasks: false) { variables[$0] } == .init(index: 1, count: 2))
    }

    @Test(
        "refuses variables that are partial or wrong, and names them",
        arguments: [
            (["FORKPOOL_SHARD": "2"], "FORKPOOL_SHARDS"), (["FORKPOOL_SHARDS": "2"], "FORKPOOL_SHARD is not"),
            (["FORKPOOL_SHARD": "2", "FORKPOOL_SHARDS": "2"], "none of 2 numbers from 0 on"),
            (["FORKPOOL_SHARD": "-1", "FORKPOOL_SHARDS": "2"], "\"-1\", which is no number"),
            (["FORKPOOL_SHARD": "+1", "FORKPOOL_SHARDS": "2"], "\"+1\""),
            (["FORKPOOL_SHARD": "", "FORKPOOL_SHARDS": "2"], "FORKPOOL_SHARD is \"\""),
            (["FORKPOOL_SHARD": "0", "FORKPOOL_SHARDS": "0"], "none of 0"),
            (["FORKPOOL_SHARD": "0", "FORKPOOL_SHARDS": "two"], "FORKPOOL_SHARDS is \"two\""),
            (["JOB_COMPLETION_INDEX": "1"], "FORKPOOL_SHARDS or JOB_COMPLETIONS"),
            (["CI_NODE_INDEX": "0", "CI_NODE_TOTAL": "2"], "from 1 on"),
            (["SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_MIN": "0"], "SLURM_ARRAY_TASK_COUNT"),
            (["SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_COUNT": "4"], "SLURM_ARRAY_TASK_MIN"),
            (["SGE_TASK_ID": "3", "SGE_TASK_LAST": "4"], "SGE_TASK_FIRST"),
            (["FORKPOOL_SHARDS": "2", "CI_NODE_INDEX": "1", "CI_NODE_TOTAL": "2"], "FORKPOOL_SHARD is not"),
            (
                [
                    "SLURM_ARRAY_TASK_ID": "5", "SLURM_ARRAY_TASK_MIN": "2", "SLURM_ARRAY_TASK_COUNT": "6",
                    "SLURM_ARRAY_TASK_STEP": "4",
                ], "in steps of 4"
            ),
            (["LSB_JOBINDEX": "3"], "LSB_JOBINDEX_END"),
            (
                ["SGE_TASK_ID": "3", "SGE_TASK_FIRST": "1", "SGE_TASK_LAST": "2", "SGE_TASK_STEPSIZE": "1"],
                "none of 2"
            ),
            (["SGE_TASK_ID": "1", "SGE_TASK_FIRST": "1", "SGE_TASK_LAST": "9"], "SGE_TASK_STEPSIZE is not; set it"),
            (
                ["SGE_TASK_ID": "2", "SGE_TASK_FIRST": "1", "SGE_TASK_LAST": "9", "SGE_TASK_STEPSIZE": "4"],
                "none of 3 numbers from 1 on in steps of 4"
            ),
            (["LSB_JOBINDEX": "4", "LSB_JOBINDEX_END": "8", "LSB_JOBNAME": "night[5-8]"], "none of 4 numbers from 5"),
            (["LSB_JOBINDEX": "2", "LSB_JOBINDEX_END": "8", "LSB_JOBINDEX_STEP": "2"], "from 1 on in steps of 2"),
            (["LSB_JOBINDEX": "1", "LSB_JOBINDEX_END": "8", "LSB_JOBNAME": "night[1-2,8]"], "LSB_JOBINDEX have gaps"),
            (
                [
                    "SLURM_ARRAY_TASK_ID": "1", "SLURM_ARRAY_TASK_MIN": "1", "SLURM_ARRAY_TASK_MAX": "7",
                    "SLURM_ARRAY_TASK_COUNT": "3", "SLURM_ARRAY_TASK_STEP": "1",
                ], "SLURM_ARRAY_TASK_COUNT is 3, and there are 7 numbers from 1 to 7"
            ),
            (["FORKPOOL_SHARD": "99999999999999999999", "FORKPOOL_SHARDS": "2"], "no number"),
        ] as [([String: String], String)])
    func refusals(_ variables: [String: String], _ words: String) throws {
        let failure = #expect(throws: ForkPool.Failure.self) {
            try ForkPool.Shard.from(countsSlurmTasks: false) { variables[$0] }
        }
        #expect(failure?.code == .shardInvalid)
        #expect(failure?.message.contains(words) == true, "\(failure?.message ?? "")")
        #expect(failure?.bodyRan == .no)
    }

    @Test(
        "refuses a launcher's variables if any of them is missing, no number, or out of range",
        arguments: [
            ["FORKPOOL_SHARD": "1", "FORKPOOL_SHARDS": "2"],
            ["SLURM_ARRAY_TASK_ID": "1", "SLURM_ARRAY_TASK_MIN": "1", "SLURM_ARRAY_TASK_COUNT": "2"],
            ["JOB_COMPLETION_INDEX": "1", "JOB_COMPLETIONS": "2"],
            ["AWS_BATCH_JOB_ARRAY_INDEX": "1", "AWS_BATCH_JOB_ARRAY_SIZE": "2"],
            ["LSB_JOBINDEX": "1", "LSB_JOBINDEX_END": "2"],
            ["SGE_TASK_ID": "1", "SGE_TASK_FIRST": "1", "SGE_TASK_LAST": "2", "SGE_TASK_STEPSIZE": "1"],
            ["CI_NODE_INDEX": "1", "CI_NODE_TOTAL": "2"],
            ["BUILDKITE_PARALLEL_JOB": "1", "BUILDKITE_PARALLEL_JOB_COUNT": "2"],
            ["CIRCLE_NODE_INDEX": "1", "CIRCLE_NODE_TOTAL": "2"], ["SLURM_PROCID": "1", "SLURM_NTASKS": "2"],
        ])
    func partial(_ variables: [String: String]) throws {
        func shard(_ variables: [String: String]) throws(ForkPool.Failure) -> ForkPool.Shard? {
            try .from(countsSlurmTasks: true) { variables[$0] }
        }
        #expect(try shard(variables)?.count == 2)
        let index = ["SHARD", "_ID", "INDEX", "PROCID", "_JOB"].compactMap { end in
            variables.keys.first { $0.hasSuffix(end) }
        }[0]
        for (name, text) in variables.keys.flatMap({ name in ["", "x", "-1", "1.5", " 1"].map { (name, $0) } }) {
            let failure = #expect(throws: ForkPool.Failure.self) { try shard(variables.merging([name: text]) { $1 }) }
            #expect(failure?.message.contains("\(name) is \"\(text)\", which is no number") == true, "\(name) \(text)")
        }
        #expect(throws: ForkPool.Failure.self) { try shard(variables.merging([index: "3"]) { $1 }) }
        for name in variables.keys where name != index {
            let failure = #expect(throws: ForkPool.Failure.self) { try shard(variables.filter { $0.key != name }) }
            #expect(
                failure?.message.contains("\(index) is set and ") == true && failure?.message.contains(name) == true,
                "\(name)")
        }
    }

    @Test("divides items into neighbours, as equally as can be")
    func ranges() {
        func ranges(_ items: Int, _ count: Int) -> [Range<Int>] {
            (0..<count).map { ForkPool.Shard(index: $0, count: count).range(of: items) }
        }
        #expect(ranges(10, 3) == [0..<4, 4..<7, 7..<10])
        #expect(ranges(2, 4) == [0..<1, 1..<2, 2..<2, 2..<2])
        #expect(ranges(0, 2) == [0..<0, 0..<0])
        #expect(ranges(.max, 1) == [0..<Int.max])
        #expect(ranges(.max, 2) == [0..<Int.max / 2 + 1, Int.max / 2 + 1..<Int.max])
    }
}
