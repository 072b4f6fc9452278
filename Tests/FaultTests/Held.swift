// SPDX-License-Identifier: Apache-2.0
/// A lazy global with an initialiser that a thread of the parent runs for as long as a test wants.
enum Held {
    /// The initialiser goes on when a process sends its id here.
    static let gate = PidPipe()
    private static let started = PidPipe()

    static let value: Int = {
        started.send()
        _ = gate.receive()
        return 7
    }()

    /// Returns when a thread runs the initialiser.
    static func begin() {
        _ = gate
        Process.onThread { _ = value }
        _ = started.receive()
    }
}
