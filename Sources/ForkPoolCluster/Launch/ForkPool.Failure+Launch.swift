// SPDX-License-Identifier: Apache-2.0
internal import ForkPool

extension ForkPool.Failure {
    /// Several copies of the program were started, and each one is alone.
    static func launchedAlone(_ copies: Launch.Copies, isBuiltWithMPI: Bool) -> Self {
        let advice =
            if !isBuiltWithMPI {
                "it is built without MPI; build it with --traits MPI (its package enables the trait of ForkPool), or start one copy"
            } else if copies.variable.hasPrefix("SLURM") {
                "its MPI does not find the others; start it by srun --mpi=pmix, or by mpirun within the allocation"
            } else {
                "its MPI does not find the others; start it by the mpirun of the MPI that it is built with"
            }
        return .launchRefused(
            "\(copies.count) copies of this program were started (\(copies.variable)=\(copies.count)), and each would do all "
                + "of the work: \(advice)")
    }
}
