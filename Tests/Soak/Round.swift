// SPDX-License-Identifier: Apache-2.0
/// The rounds of a soak.
enum Round: String, CaseIterable {
    case kills
    case forks
    case pools
    case signals
    case parents
    case templates
    case journal

    /// Runs the round, and returns its counts as text.
    func run(_ setting: Setting) -> String {
        switch self {
        case .kills: Kills.run(setting)
        case .forks: Forks.run(setting)
        case .pools: Pools.run(setting)
        case .signals: Signals.run(setting)
        case .parents: Parents.run(setting)
        case .templates: Templates.run(setting)
        case .journal: Journals.run(setting)
        }
    }

    /// The seconds after which a round counts as hanging, on a busy machine too.
    func deadline(_ setting: Setting) -> Int { setting.pick(short: 600, long: 1500) }
}
