/// One thing that a doctor looked at.
struct Finding {
    /// How it is.
    enum State: String {
        case good = "ok"
        /// The library works, and something is slower, less exact or less safe.
        case warning
        /// Something that the library needs is not there.
        case missing
    }

    /// A word for programs.
    let key: String
    let name: String
    var value: String
    var state = State.good
    /// What to do about it.
    var advice: String?
    /// The value as a number, where it is one.
    var number: Double?

    var json: JSON {
        .object([
            ("key", .string(key)), ("value", .string(value)), ("number", number.map { .number($0) } ?? .null),
            ("state", .string(state.rawValue)), ("advice", advice.map { .string($0) } ?? .null),
        ])
    }
}
