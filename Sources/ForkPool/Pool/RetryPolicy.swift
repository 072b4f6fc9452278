// SPDX-License-Identifier: Apache-2.0
/// Decides whether an item that cost its worker is run again.
struct RetryPolicy: Equatable {
    /// How often a proven deadlock is run again by default: of the deadlocks that were seen, none came thrice.
    static let deadlockRetries = 2

    /// How often an item may be run again, or nil for the default.
    var retries: Int?
    /// What an item is run again after.
    var reasons: ForkPool.Options.RetryReasons
    /// How long its worker rests before, in nanoseconds.
    var pause: Int

    static let none = RetryPolicy(retries: 0, reasons: [], pause: 0)

    /// Whether an item whose attempt number `attempt` ended so has another one.
    func allows(after exit: ProcessExit, attempt: Int) -> Bool {
        guard let reason = exit.reason else { return false }
        let most = retries ?? (reason == .deadlock ? Self.deadlockRetries : 0)
        return attempt <= most && reasons.contains(reason)
    }
}

extension ProcessExit {
    /// The reason for which `RetryReasons` may allow another attempt; nil for what would only come again.
    fileprivate var reason: ForkPool.Options.RetryReasons? {
        switch cause {
        case .timeout: return .timeout
        case .deadlock: return .deadlock
        case .deadline, .memoryLimit, .cpuTimeLimit: return nil
        case nil: break
        }
        if case .signal = status, crash == nil, !isCrash { return .kill }
        return .crash
    }
}
