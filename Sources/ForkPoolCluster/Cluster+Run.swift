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
    ///   - stallTimeout: The longest time in which no item ends of those that a host has, or in which a host does not make the call
    ///     that the root makes, or takes no results; nil for no limit. Then the job ends on all hosts, and standard error says
    ///     which host it is. It is to be longer than an item takes, with all its attempts.
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
        #if MPI
        if launch.isMPI {
            return try MPITransport.run(launch) { transport in
                try run(over: transport, .own, workers: workers, options: options, stallTimeout: stallTimeout, body)
            } alone: {
                try runAlone(workers, options, body)
            }
        }
        #endif
        try launch.checkAlone(isBuiltWithMPI: isBuiltWithMPI)
        return try runAlone(workers, options, body)
    }

    private static func runAlone<T>(
        _ workers: Int?, _ options: ForkPool.Options, _ body: (Cluster) throws -> T
    ) throws -> T {
        let pool = ForkPool(workers: workers ?? ForkPool.availableProcessors, options: options)
        return try body(Cluster(rank: 0, hosts: 1, hostName: HostName.own, pool: pool, link: nil))
    }

    /// Runs a program as one of several ranks, of which `hello` tells the root what this one is.
    package static func run<T>(
        over transport: any Transport, _ hello: Hello, workers: Int? = nil,
        options: ForkPool.Options = ForkPool.Options(), stallTimeout: Duration? = nil,
        clock: @escaping () -> Int = monotonicNanoseconds, _ body: (Cluster) throws -> T
    ) throws -> T {
        let link = HostLink(transport, hello, stallTimeout: stallTimeout, clock: clock)
        let sharers: Int
        do throws(ForkPool.Failure) {
            sharers = try link.meet(hello)
        } catch {
            link.leaveAfterRefusal()
            throw error
        }
        var options = options
        options.host = transport.rank
        let pool = ForkPool(workers: workers ?? max(1, ForkPool.availableProcessors / sharers), options: options)
        let cluster = Cluster(
            rank: transport.rank, hosts: transport.size, hostName: hello.host, pool: pool, link: link)
        defer { link.end() }
        let result = Result { try body(cluster) }
        var words: String?
        if case .failure(let error) = result { words = "\(error)" }
        do throws(ForkPool.Failure) {
            try link.leave(workers: pool.workers, error: words)
        } catch {
            // What the program threw comes first.
            _ = try result.get()
            throw error
        }
        return try result.get()
    }

    /// Whether the program is built with MPI.
    static var isBuiltWithMPI: Bool {
        #if MPI
        true
        #else
        false
        #endif
    }
}
