// SPDX-License-Identifier: Apache-2.0
public import ForkPool
public import Foundation

/// Describes a failure to code that shows errors by `localizedDescription`, and keeps what a thrown `LocalizedError` says.
///
/// A program that depends on this product needs no call: an error that conforms to `LocalizedError` and is thrown in a
/// worker is described by its `errorDescription`.
extension ForkPool.Failure: LocalizedError {
    /// The failure's description: what happened, to which item, and what to do.
    public var errorDescription: String? { description }

    /// What happened, without the item; for a thrown error its type and description.
    public var failureReason: String? {
        if let thrown { return thrown.description }
        return parts.suggestion == nil ? message : String(parts.reason)
    }

    /// What to do about the failure, where the library knows it.
    public var recoverySuggestion: String? {
        guard let suggestion = parts.suggestion, let first = suggestion.first else { return nil }
        return first.uppercased() + suggestion.dropFirst() + "."
    }

    /// The message before and after its first semicolon, in the failures whose whole message is the library's own.
    private var parts: (reason: Substring, suggestion: Substring?) {
        let own: [Code] = [
            .exited, .killed, .noMemory, .forkRefused, .threadsRefused, .cancelled, .closed, .timedOut, .deadlocked,
            .memoryLimitExceeded, .cpuTimeLimitExceeded,
        ]
        guard own.contains(code), let end = message.firstRange(of: "; ") else { return (message[...], nil) }
        return (message[..<end.lowerBound], message[end.upperBound...])
    }
}
