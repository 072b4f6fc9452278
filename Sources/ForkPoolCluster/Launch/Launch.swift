// SPDX-License-Identifier: Apache-2.0
internal import ForkPool

/// What the environment says of the launcher that started this process.
struct Launch: Equatable {
    /// A variable that says how many copies of the program were started.
    struct Copies: Equatable {
        let variable: String
        let count: Int
    }

    /// The first variable that says the number of copies; nil if none does.
    let copies: Copies?
    /// Whether a launcher of MPI started the process, so that MPI can be asked for the others.
    let isMPI: Bool

    /// Each launcher's own number comes first: mpirun within a Slurm job leaves the variables of Slurm's step, which started
    /// one daemon a host.
    private static let counts = [
        "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS", "SLURM_NTASKS",
    ]
    private static let signs = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMI_RANK", "PMI_FD", "PMIX_RANK"]

    /// Reads the variables, each by its name.
    init(_ variable: (String) -> String?) {
        isMPI = Self.signs.contains { variable($0) != nil }
        // A batch script has the number of tasks of its job, and is one process: only the tasks of a step have its number.
        let isStep = variable("SLURM_STEP_ID") != nil
        let names = Self.counts.filter { isStep || !$0.hasPrefix("SLURM_") }
        copies =
            names.compactMap { name in
                variable(name).flatMap(Int.init).map { Copies(variable: name, count: $0) }
            }.first
    }

    /// Refuses a process that would do all of the work as one of several copies.
    ///
    /// - Throws: `launchRefused`.
    func checkAlone(isBuiltWithMPI: Bool) throws(ForkPool.Failure) {
        guard let copies, copies.count > 1 else { return }
        throw .launchedAlone(copies, isBuiltWithMPI: isBuiltWithMPI)
    }
}
