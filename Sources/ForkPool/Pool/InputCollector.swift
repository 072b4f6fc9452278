// SPDX-License-Identifier: Apache-2.0

/// A stream that collects inputs while every worker is busy.
protocol InputCollector: AnyObject, Sendable {
    /// Returns whether it has inputs for a worker that becomes free, and was not called for them yet.
    func takesCall() -> Bool
    /// Submits the inputs if a worker is free.
    func submitCollectedInputs()
}

extension Pool {
    /// Lets streams submit what they have collected, when the lock is free.
    func callCollectors(_ state: inout State) {
        for collector in state.collectors where collector.takesCall() { state.calledCollectors.append(collector) }
    }
}
