// SPDX-License-Identifier: Apache-2.0

extension Pool.State {
    /// A number that no batch had, as far as 32 bits go.
    mutating func takeTag() -> Int {
        defer { nextTag = nextTag == 0xFFFF_FFFF ? 1 : nextTag + 1 }
        return nextTag
    }

    mutating func takeCall() -> Int {
        defer { calls += 1 }
        return calls
    }

    /// Whether a caller could wait for something.
    var needsAttention: Bool { queue.isClosing || queue.hasWork || !streamWaiters.isEmpty || !roomLine.isEmpty }
}
