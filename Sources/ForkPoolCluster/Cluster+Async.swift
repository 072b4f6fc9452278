// SPDX-License-Identifier: Apache-2.0
public import ForkPool

extension Cluster {
    /// Runs a program as the overload for sync code, with calls that block no thread.
    ///
    /// `body` runs where the caller does, and awaits the calls of its cluster. If the task is cancelled, a call on one host fails
    /// as `cancelled`; one on several hosts goes on to its end, since all hosts make the same calls.
    ///
    /// ```swift
    /// try await Cluster.run { cluster in
    ///     let squares = try await cluster.map(0..<1000) { $0 * $0 }
    ///     if cluster.isRoot { print(squares.count) }
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - workers: The number of workers on this host; nil for one for each processor that the rank may use.
    ///   - options: The options of the pool on this host; the same on each.
    ///   - stallTimeout: The longest time in which the root hears nothing of items that a host has; nil for no limit.
    ///   - body: The program, which makes the same calls of the cluster on every host.
    /// - Returns: What `body` returns.
    /// - Throws: What the overload for sync code throws; a `ForkPool.Failure` if the system gives no thread.
    /// - Precondition: No other `run` is running in the process; `workers` is at least 1.
    nonisolated(nonsending) public static func run<T>(
        workers: Int? = nil, options: ForkPool.Options = ForkPool.Options(), stallTimeout: Duration? = nil,
        _ body: (Cluster) async throws -> T
    ) async throws -> T {
        try await run(body) { program in
            try run(workers: workers, options: options, stallTimeout: stallTimeout, program)
        }
    }

    /// Runs an async program whose calls `run` lets a thread make.
    nonisolated(nonsending) package static func run<T>(
        _ body: (Cluster) async throws -> T,
        by run: @escaping (_ program: (Cluster) throws -> Void) throws -> Void
    ) async throws -> T {
        let calls = CallThread()
        let begun = Promise<Cluster>()
        let ended = Promise<Void>()
        do throws(SystemError) {
            try ThreadWork.start {
                let result = Result {
                    try run { cluster in
                        begun.fulfil(.success(cluster.making(calls)))
                        try calls.serve()
                    }
                }
                calls.close()
                if case .failure(let error) = result { begun.fulfil(.failure(error)) }
                ended.fulfil(result)
            } then: {
            }
        } catch {
            throw ForkPool.Failure(refused: error, index: nil)
        }
        let cluster = try await begun.value
        let result: Result<T, any Error>
        do {
            result = .success(try await body(cluster))
            calls.end(nil)
        } catch {
            result = .failure(error)
            calls.end(error)
        }
        try await ended.value
        return try result.get()
    }

    private func making(_ calls: CallThread) -> Cluster {
        Cluster(rank: rank, hosts: hosts, hostName: hostName, pool: pool, link: link, calls: calls)
    }
}
