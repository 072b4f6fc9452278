// SPDX-License-Identifier: Apache-2.0
/// What a caller asks for its batch: `ForkPool.CallOptions`, with times in nanoseconds.
struct CallRules: Sendable, Equatable {
    /// The longest time of an item in its worker.
    var timeout: Int?
    /// The longest time from the call to its result.
    var deadline: Int?
    var retries: RetryPolicy
    var priority: Int
    /// The journal that is to have the results.
    var journal: JournalRequest?

    /// What a caller asks for that asks for nothing.
    static let standard = CallRules(ForkPool.CallOptions(ForkPool.Options()))

    /// When a call that is made now is to be done, in nanoseconds of the monotonic clock; `Int.max` for no end.
    var end: Int { deadline.map { monotonicNanoseconds() + $0 } ?? .max }
}

extension CallRules {
    init(_ options: ForkPool.CallOptions) {
        timeout = options.timeout?.nanoseconds
        deadline = options.deadline.map { max(0, $0.nanoseconds) }
        retries = RetryPolicy(
            retries: options.retries, reasons: options.retryReasons, pause: options.retryPause.nanoseconds)
        priority = options.priority
    }
}
