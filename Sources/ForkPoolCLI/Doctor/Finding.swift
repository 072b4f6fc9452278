// SPDX-License-Identifier: Apache-2.0
#if Command
/// One line of the report of `forkpool doctor`.
struct Finding {
    /// Whether it is as it should be.
    enum State: String {
        case good = "ok"
        /// The library works, but something is slower, less exact or less safe.
        case warning
        /// The library lacks something that it needs.
        case missing
    }

    /// The name in the JSON document.
    let key: String
    let name: String
    var value: String
    var state = State.good
    /// Advice; nil if all is well.
    var advice: String?
    /// The value as a number, if it is one.
    var number: Double?

    var json: JSON {
        .object([
            ("key", .string(key)), ("value", .string(value)), ("number", number.map { .number($0) } ?? .null),
            ("state", .string(state.rawValue)), ("advice", advice.map { .string($0) } ?? .null),
        ])
    }
}
#endif
