// SPDX-License-Identifier: Apache-2.0
public import ForkPool

/// The hosts that run one program together, and the maps that run on all of them.
///
/// The same program runs on each host, as one process, a rank, which a launcher of MPI started. Every rank makes the same calls in
/// the same order. The root, rank 0, hands the items out, and a pool of forked workers on each host runs them. A program
/// that no launcher started is one host: its maps are those of a ``ForkPool/ForkPool``.
///
/// ```swift
/// try Cluster.run { cluster in
///     let squares = try cluster.map(0..<1000) { $0 * $0 }
///     if cluster.isRoot { print(squares.count) }
/// }
/// ```
///
/// Several hosts need the package trait `MPI`. Calls are made one after the other: in sync code on the thread of `run`, in async
/// code with `await`.
///
/// A cluster may be sent to other threads and tasks. In sync code a call on another thread than that of `run` stops the program.
public final class Cluster: @unchecked Sendable {
    /// The number of this host, from 0 on.
    public let rank: Int

    /// The number of hosts.
    public let hosts: Int

    /// The name of this host.
    public let hostName: String

    /// The pool of this host: what is called through it runs here alone.
    public let pool: ForkPool

    /// What connects this host with the others; nil if there are none.
    @usableFromInline let link: HostLink?

    /// What makes the calls of async code; nil in sync code.
    @usableFromInline let calls: CallThread?

    init(rank: Int, hosts: Int, hostName: String, pool: ForkPool, link: HostLink?, calls: CallThread? = nil) {
        self.rank = rank
        self.hosts = hosts
        self.hostName = hostName
        self.pool = pool
        self.link = link
        self.calls = calls
    }

    /// Whether this host is the first one, which hands out the items and has the journals.
    public var isRoot: Bool { rank == 0 }

    /// Returns this cluster with other options for its maps: a timeout, a deadline, retries or a priority.
    ///
    /// - Parameter change: Changes the options, which start as those of this cluster; the same on each host.
    /// - Returns: The cluster to make the calls with.
    /// - Precondition: `timeout` is at least a nanosecond, `retries` and `retryPause` at least 0.
    public func with(_ change: (inout ForkPool.CallOptions) -> Void) -> Cluster {
        Cluster(rank: rank, hosts: hosts, hostName: hostName, pool: pool.with(change), link: link, calls: calls)
    }

    /// The number of items of each range that a host is handed, for measurements; nil for one that follows their durations.
    package var fixedRange: Int? {
        get { link?.fixedRange }
        set { link?.fixedRange = newValue }
    }

    /// The hosts that get the results of a map.
    public enum Delivery: Sendable {
        /// Every host: a program whose next step depends on the results takes the same one everywhere.
        case all
        /// The root alone; the other hosts get no results. A failure goes to every host.
        case root
    }
}
