/// What a worker's record and its process's end say together.
struct WorkerExit {
    var process: ProcessExit
    /// Whether it left its loop by itself: used up, or because the pool closes.
    var finished = false
    /// The error that `setUp` threw, if it did.
    var setUpError: WorkerError?
    /// Whether it is past `setUp`.
    var isReady = false
    /// Whether it had claimed anything.
    var claimed = false
    /// Whether an earlier worker with the same memory ended for the same cause: the two count as one.
    var sameCause = false
    /// Whether a successor has something to do.
    var isNeeded = true
    /// For how many nanoseconds the worker rests before another process becomes it.
    var pause = 0
}
