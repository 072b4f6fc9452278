/// A lazy global that a thread of the parent initialises, for as long as a test wants.
enum Held {
    /// Lets the initialiser go on when a process says its id here.
    static let gate = PidPipe()
    private static let started = PidPipe()

    static let value: Int = {
        started.send()
        _ = gate.receive()
        return 7
    }()

    /// Returns when a thread is amid initialising.
    static func begin() {
        _ = gate
        Process.onThread { _ = value }
        _ = started.receive()
    }
}
