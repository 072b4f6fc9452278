// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import ForkPool
@testable import ForkPoolCluster

@Suite("Launches")
struct LaunchTests {
    @Test(
        "one of several copies without the others is refused, by the variables of each launcher",
        arguments: [
            ["OMPI_COMM_WORLD_SIZE": "3", "OMPI_COMM_WORLD_RANK": "1", "PMIX_RANK": "1"],
            ["PMI_SIZE": "3", "PMI_RANK": "0", "PMI_FD": "9"],
            ["MV2_COMM_WORLD_SIZE": "3"],
            ["SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "3", "SLURM_NTASKS": "3", "SLURM_PROCID": "0"],
            ["SLURM_STEP_ID": "0", "SLURM_NTASKS": "3", "SLURM_PROCID": "2"],
        ])
    func refused(_ variables: [String: String]) {
        let launch = Launch { variables[$0] }
        #expect(launch.copies?.count == 3)
        for isBuilt in [false, true] {
            let error = #expect(throws: ForkPool.Failure.self) { try launch.checkAlone(isBuiltWithMPI: isBuilt) }
            #expect(error?.code == .launchRefused)
            let message = error?.message ?? ""
            #expect(message.hasPrefix("3 copies of this program were started (\(launch.copies!.variable)=3)"))
            let isSlurm = variables["SLURM_STEP_ID"] != nil
            #expect(message.contains(isBuilt ? isSlurm ? "srun --mpi=pmix" : "mpirun" : "--traits MPI"))
        }
    }

    @Test(
        "a process that is alone is accepted",
        arguments: [
            [:],
            // A batch script has the number of tasks of its job, and mpirun starts one copy.
            ["SLURM_JOB_ID": "7", "SLURM_NTASKS": "3", "SLURM_PROCID": "0"],
            ["OMPI_COMM_WORLD_SIZE": "1", "SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "3"],
            ["SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "1"],
            ["PMI_SIZE": "1", "PMI_RANK": "0"],
            ["OMPI_COMM_WORLD_SIZE": "many"],
        ])
    func accepted(_ variables: [String: String]) throws {
        try Launch { variables[$0] }.checkAlone(isBuiltWithMPI: true)
    }

    @Test("MPI is asked where a launcher of MPI, or PMIx, started the process")
    func signs() {
        #expect(Launch { ["PMIX_RANK": "0"][$0] }.isMPI)
        #expect(Launch { ["OMPI_COMM_WORLD_SIZE": "2"][$0] }.isMPI)
        #expect(Launch { ["PMI_RANK": "0"][$0] }.isMPI)
        #expect(!Launch { ["SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "3"][$0] }.isMPI)
        #expect(!Launch { _ in nil }.isMPI)
    }
}
