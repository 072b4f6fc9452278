// SPDX-License-Identifier: Apache-2.0
internal import ForkPool

/// What connects the hosts of a cluster.
@usableFromInline
final class HostLink {
    /// Whether the program is built with MPI.
    static var isBuilt: Bool {
        #if MPI
        true
        #else
        false
        #endif
    }
}
