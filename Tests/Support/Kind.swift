// SPDX-License-Identifier: Apache-2.0
/// The kinds of pools.
package enum Kind: String, Codable, CaseIterable, Sendable {
    /// Workers that are forked for one map.
    case oneShot
    /// Workers that stay, forked for a closure.
    case residentBody
    /// Workers that stay, forked for a job.
    case residentJob
    /// Workers that stay, started by exec for a job.
    case exec

    /// The kinds with workers that stay between two maps.
    package static let resident: [Kind] = [.residentBody, .residentJob, .exec]
}
