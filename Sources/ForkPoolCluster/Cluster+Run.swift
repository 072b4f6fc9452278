// SPDX-License-Identifier: Apache-2.0
public import ForkPool
internal import Glibc

extension Cluster {
    /// Runs a program on the hosts on which a launcher started it, or on this host alone if none did.
    ///
    /// | where | how the program is started |
    /// |---|---|
    /// | one host | `./sim` |
    /// | hosts with ssh | `mpirun --hostfile hosts --map-by ppr:1:node --bind-to none ./sim` |
    /// | Slurm | `srun --mpi=pmix --kill-on-bad-exit=1 -N8 --ntasks-per-node=1 -c64 ./sim` |
    ///
    /// One rank a host is enough, since its pool uses all processors. Ranks that share a host divide its processors.
    ///
    /// - Parameters:
    ///   - workers: The number of workers on this host; nil for one for each processor that the rank may use.
    ///   - options: The options of the pool on this host; the same on each.
    ///   - stallTimeout: The longest time in which the root hears nothing of items that a host has; nil for no limit. Then the
    ///     job ends on all hosts, and standard error says which host it is. It is to be longer than an item takes, with all its
    ///     attempts.
    ///   - body: The program, which makes the same calls of the cluster on every host.
    /// - Returns: What `body` returns.
    /// - Throws: What `body` throws; a `ForkPool.Failure` with the code `launchRefused` if a launcher started several copies of
    ///   the program that do not find each other, or `ranksDiffer` if the hosts do not run the same program, or one of them
    ///   left while others make a call.
    /// - Precondition: No other `run` is running in the process; `workers` is at least 1.
    public static func run<T>(
        workers: Int? = nil, options: ForkPool.Options = ForkPool.Options(), stallTimeout: Duration? = nil,
        _ body: (Cluster) throws -> T
    ) throws -> T {
        let launch = Launch { name in unsafe getenv(name).map { unsafe String(cString: $0) } }
        try launch.checkAlone(isBuiltWithMPI: HostLink.isBuilt)
        let pool = ForkPool(workers: workers ?? ForkPool.availableProcessors, options: options)
        return try body(Cluster(rank: 0, hosts: 1, hostName: HostName.own, pool: pool, link: nil))
    }
}

/// The name of a host.
enum HostName {
    static var own: String {
        var name = [CChar](repeating: 0, count: 256)
        // One byte is kept for the end of the text.
        guard unsafe gethostname(&name, name.count - 1) == 0 else { return "localhost" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
