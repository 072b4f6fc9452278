// SPDX-License-Identifier: Apache-2.0
/// Why an item has no result, as far as the parent can tell without an error from the worker.
enum FailureCause {
    /// Its worker ended while it was on the item.
    case ended(ProcessExit)
    /// No worker could be started for it.
    case refused(SystemError)
    /// The system refused to end a worker.
    case killRefused(SystemError)
    /// The caller cancelled the batch.
    case cancelled
    /// The caller's time was over, in nanoseconds, before anything of the batch had begun; and while it ran.
    case overdueInQueue(Int)
    case overdue(Int)
    /// The caller's time was over while the item waited for its next attempt.
    case overdueAgain(Int)
    /// The pool ended before its work was done: it was cancelled, or dropped.
    case poolEnded(String)
    /// Workers die before they reach an item.
    case unreachable(ProcessExit)
    /// Workers had to be replaced too often.
    case restartedTooOften(ForkPool.Options.RestartIntensity, ProcessExit)
    /// `setUp` threw in a worker: that of a job's type, in a pool of several.
    case notSetUp(WorkerError, of: String? = nil)
    /// A worker ended in `setUp`.
    case endedInSetUp(ProcessExit, of: String? = nil)
    /// The item's input could not be encoded.
    case inputNotEncodable(String)
    /// The item's input has no room.
    case noRoomForInput
}
