// SPDX-License-Identifier: Apache-2.0
extension ForkPool.Options {
    /// What a map or call does when as many others wait as `maxPending` allows.
    public struct WhenFull: Sendable, Equatable {
        let fails: Bool

        /// It waits until there is room: a thread blocks, and a task is suspended.
        public static let wait = WhenFull(fails: false)

        /// It fails at once, as `full`.
        public static let fail = WhenFull(fails: true)
    }
}
