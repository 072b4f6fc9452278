// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Listens to notices of a pool's workers, on a thread of its own that sleeps on a word of the shared memory.
///
/// A worker has no descriptor of the pool, whose state it could change or whose number it could give to a file. So what
/// threads of this process do not wait for (the end of a batch that tasks await, a failure that makes items needless) is
/// told by a futex, and the supervisor, which waits for descriptors, hears of it from this thread.
final class NoticeListener: Sendable {
    private let pool: Pool
    private let isEnding = Atomic(false)
    private let over = PrivateEvent()

    /// Starts to listen (`pthread_create`).
    init(_ pool: Pool) throws(SystemError) {
        self.pool = pool
        try ThreadWork.start { [self] in
            listen()
        } then: { [over] in
            over.signal()
        }
    }

    private func listen() {
        let notices = pool.layout.notices
        var letsGather = true
        while true {
            // What came before the announcement was not signalled.
            let seen = notices.announce(.threads)
            if isEnding.load(ordering: .sequentiallyConsistent) { return }
            let gathers = pool.takeNotices(letsGather: letsGather)
            notices.sleep(while: seen, timeout: gathers ? Pool.gatheringTime : -1)
            letsGather = !gathers
        }
    }

    /// Stops listening, and returns when the thread has ended.
    func end() {
        isEnding.store(true, ordering: .sequentiallyConsistent)
        // The word may be damaged, and the thread be about to sleep on what it has seen.
        repeat {
            pool.layout.notices.signal()
            pool.layout.notices.wakeThreads()
        } while !over.wait(1_000_000)
    }
}

extension Pool {
    /// For how long results of a stream of short items gather before its reader is resumed, in nanoseconds: about the time of
    /// a portion.
    static let gatheringTime: Int64 = 100_000

    /// Settles what workers have ended, and has the supervisor look where that is its part.
    ///
    /// - Parameter letsGather: Whether streams of short items may wait.
    /// - Returns: Whether some do: then the notices are to be taken once more after the time for that.
    func takeNotices(letsGather: Bool) -> Bool {
        let (isForSupervisor, gathers) = locked { state in
            settleAll(&state)
            // The calls of a batch may all be claimed and not all done: those that wait come next.
            admitPending(&state)
            wakeRoomLine(&state)
            announceAllTasks(&state)
            let gathers = letsGather && !state.hasImpatientStream && !state.streamWaiters.isEmpty
            if gathers { callCollectors(&state) } else { resumeStreams(&state) }
            return (hasFailure(state), gathers)
        }
        if isForSupervisor || isStarting.load(ordering: .relaxed) { notifySupervisor() }
        return gathers
    }

    /// Whether workers may be on items that a failure made needless.
    private func hasFailure(_ state: State) -> Bool {
        state.queue.slots.enumerated().contains { number, batch in
            unsafe batch != nil
                && layout.batchSlot(number).lowestFailure.pointee.load(ordering: .sequentiallyConsistent) != .max
        }
    }
}
