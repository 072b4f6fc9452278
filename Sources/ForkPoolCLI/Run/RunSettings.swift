/// What `run` was asked for.
struct RunSettings {
    enum Order: String, CaseIterable {
        /// The order of the input.
        case keep
        /// As jobs end.
        case done
        /// As they write, torn as it may be: nothing is captured.
        case live
    }

    enum FailFast: String, CaseIterable {
        /// What runs is ended.
        case now
        /// What runs may end, nothing more is begun.
        case soon
    }

    var template: CommandTemplate
    /// How many jobs run at once.
    var jobs: Int
    var order = Order.keep
    var tags = false
    var limits = RunLimits()
    var failFast: FailFast?
    /// The folder of `--results`.
    var results: String?
}
