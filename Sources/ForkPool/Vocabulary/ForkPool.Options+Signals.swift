// SPDX-License-Identifier: Apache-2.0
extension ForkPool.Options {
    /// What SIGHUP, SIGINT, SIGQUIT and SIGTERM do to the workers of a pool.
    ///
    /// A service manager, a container and a terminal send such a signal to all processes of a group at once.
    public struct Signals: Sendable, Equatable {
        /// Whether workers ignore these signals.
        let areIgnored: Bool

        /// Each process decides for itself: the signals end a worker, and its item fails as `killed`.
        public static let perProcess = Signals(areIgnored: false)

        /// This process alone decides: its workers ignore the signals, so that it can finish its work first.
        ///
        /// They end by `close()`, `cancel()`, a timeout, and with this process. <doc:Servers> has an example, and says
        /// what programs that a body starts inherit.
        public static let parentDecides = Signals(areIgnored: true)
    }
}
