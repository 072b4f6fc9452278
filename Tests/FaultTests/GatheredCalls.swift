// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc

@testable import ForkPool

/// Acts on numbers, so that its calls gather; the folder of a rendezvous says what the worker meets there.
struct NumberJob: PlainJob {
    typealias Input = Int
    typealias Output = Int

    /// What negative numbers ask for.
    enum Act {
        /// Arrives, and waits until the gate is open.
        static let block = -1
        static let kill = -2
        static let fail = -3
        /// Sends the worker's id, and never ends.
        static let hang = -4
        /// Arrives, and waits for another call to do the same.
        static let meet = -5
        static let random = -6
    }

    struct Refusal: Error, Codable {}

    var path: String

    func act(_ input: Int) throws -> Int {
        switch input {
        case Act.block: Self.note(Self.open, at: path)
        case Act.kill: raise(SIGKILL)
        case Act.fail: throw Refusal()
        case Act.hang:
            Rendezvous.sendPid(at: path)
            while true { pause() }
        case Act.meet:
            let arrivals = Rendezvous.arrive(at: path)
            Rendezvous.waitForArrivals(arrivals + arrivals % 2, at: path)
        case Act.random:
            var generator = ForkPool.worker!.itemGenerator
            return Int(truncatingIfNeeded: generator.next())
        default: Self.note(input, at: path)
        }
        return 3 * input
    }

    private static let open = -1
    private static func notes(_ path: String) -> String { path + "/notes" }
    private static func gate(_ path: String) -> String { path + "/gate" }

    /// Writes down a number, or waits for the gate.
    private static func note(_ number: Int, at path: String) {
        if number == open {
            Rendezvous.arrive(at: path)
            while unsafe access(gate(path), F_OK) != 0 { sched_yield() }
            return
        }
        let file = unsafe Glibc.open(notes(path), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        var word = Int32(truncatingIfNeeded: number)
        _ = unsafe write(file, &word, 4)
        Glibc.close(file)
    }

    // MARK: - In the parent

    /// The numbers that were acted on, in their order; forgets them.
    static func takeNotes(at path: String) -> [Int] {
        let file = unsafe Glibc.open(notes(path), O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return [] }
        defer {
            Glibc.close(file)
            _ = unsafe unlink(notes(path))
        }
        var numbers: [Int] = []
        var word: Int32 = 0
        while unsafe read(file, &word, 4) == 4 { numbers.append(Int(word)) }
        return numbers
    }

    /// Lets the calls go on that block.
    static func openGate(at path: String) {
        Glibc.close(unsafe Glibc.open(gate(path), O_WRONLY | O_CREAT | O_CLOEXEC, 0o600))
    }

    static func closeGate(at path: String) { _ = unsafe unlink(gate(path)) }
}

extension ForkPool.Resident {
    /// How many batches wait for a batch slot.
    var waitingBatches: Int { pool.locked { $0.queue.pending.count } }
}
