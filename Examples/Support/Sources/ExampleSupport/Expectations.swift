// SPDX-License-Identifier: Apache-2.0
import Glibc

/// What an example promises to show, and whether it did.
public struct Expectations {
    private var failures = 0

    /// Begins with no expectation.
    public init() {}

    /// Prints whether something is as it should be.
    public mutating func expect(_ holds: Bool, _ what: String) {
        print(holds ? "ok    " : "FAILED", what)
        failures += holds ? 0 : 1
    }

    /// Ends the program, with 1 if something was not as it should be.
    public func finish() -> Never {
        exit(failures == 0 ? 0 : 1)
    }
}
