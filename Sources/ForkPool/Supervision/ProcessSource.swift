internal import CForkPool
internal import Glibc

/// A process of a resident pool, parked or at work.
struct ResidentProcess {
    let pid: Int32
    /// Names the process and nobody else; closed by `close`.
    let descriptor: Int32

    /// Ends the process by SIGKILL.
    func kill() {
        _ = cforkpool_pidfd_send_signal(descriptor, SIGKILL)
    }

    func close() {
        Glibc.close(descriptor)
    }
}

/// Where the processes of a resident pool come from, in what the keeper asks of it.
protocol ProcessSource: AnyObject {
    /// Begins to start a process in each of these places; `started` has them then or later.
    func begin(_ places: [Int])

    /// What has been started, or refused, since it was last asked.
    ///
    /// - Parameter waiting: Whether to wait until everything that was begun is there.
    /// - Returns: What became of each place.
    func started(waiting: Bool) -> [(place: Int, process: Result<ResidentProcess, SystemError>)]

    /// Waits for the end of a process, which is certain, and tells how it was.
    func reap(_ process: ResidentProcess, in place: Int) -> Death

    /// Whether its processes have one thread at first, so that who waits for a thread waits for ever.
    var startsAlone: Bool { get }

    /// Hears that the process in a place was found to wait for ever: others that begin with what it found would, too.
    ///
    /// - Returns: Whether that is news; not if another one that began with the same was found before.
    func distrust(_ place: Int) -> Bool

    /// Descriptors that are readable when what starts processes has ended.
    var watched: [Int32] { get }

    /// Hears that a watched descriptor is readable.
    func lost()

    /// Ends what is not a worker.
    func close()
}
