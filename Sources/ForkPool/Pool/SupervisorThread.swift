/// What the supervising thread of a resident pool runs.
final class SupervisorThread {
    private let supervisor: PoolSupervisor
    private let over: PrivateEvent

    init(_ supervisor: PoolSupervisor, _ over: PrivateEvent) {
        self.supervisor = supervisor
        self.over = over
    }

    /// Supervises until nothing is left, and returns what is to be signalled then: the supervisor's own hold on the pool's
    /// memory is gone before a waiting thread sees the end.
    @inline(never)
    static func run(_ context: UnsafeMutableRawPointer) -> PrivateEvent {
        let thread = unsafe Unmanaged<SupervisorThread>.fromOpaque(context).takeRetainedValue()
        thread.over.promise()
        thread.supervisor.run()
        return thread.over
    }
}
