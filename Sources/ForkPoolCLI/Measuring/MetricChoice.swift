// SPDX-License-Identifier: Apache-2.0
#if Command
import ArgumentParser

/// The value of `--metric`: a quantity, or the choice of them.
enum MetricChoice: String, CaseIterable, ExpressibleByArgument {
    /// CPU time, and wall time too where it is far above CPU time.
    case auto
    case cpu
    case wall
    case instructions
    case rss

    /// The quantity that always decides.
    var metric: Metric {
        switch self {
        case .auto, .cpu: .cpu
        case .wall: .wall
        case .instructions: .instructions
        case .rss: .rss
        }
    }
}
#endif
