// SPDX-License-Identifier: Apache-2.0
extension ForkPool {
    /// The order in which a stream gives its results.
    public enum Order: Sendable {
        /// In the order of the input.
        case input
        /// In the order of completion.
        case completion
    }
}
