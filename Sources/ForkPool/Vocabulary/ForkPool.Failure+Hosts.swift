// SPDX-License-Identifier: Apache-2.0

extension ForkPool.Failure {
    /// Several copies of the program were started, and each of them is alone.
    package static func launchRefused(_ reason: String) -> Self {
        Self(.launchRefused, index: nil, reason, ran: .no)
    }

    /// The hosts differ in what they run or call.
    package static func ranksDiffer(_ reason: String) -> Self {
        Self(.ranksDiffer, index: nil, reason, ran: .no)
    }

    package static func noMemory(_ reason: String) -> Self {
        Self(.noMemory, index: nil, reason, ran: .no)
    }
}
