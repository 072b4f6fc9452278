// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite struct InputTests {
    @Test(
        "B1: an input that exits in encode(to:) is the caller's own exit, and no worker outlives it",
        arguments: Kind.resident)
    func exits(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            #expect(InputScenes.status(kind, .exiting) == 3 << 8)
        }
    }

    @Test(
        "B1: an input that traps in encode(to:) is the caller's own trap, and no worker outlives it",
        arguments: Kind.resident)
    func traps(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            #expect(InputScenes.status(kind, .aborting) & 0x7f == SIGABRT)
        }
    }
}

/// An input that may end its own process when it is encoded.
struct Farewell: Codable, Sendable {
    enum Ending: String, Codable { case none, exiting, aborting }

    let ending: Ending
    let meeting: String

    init(_ ending: Ending, _ meeting: String) {
        self.ending = ending
        self.meeting = meeting
    }

    func encode(to encoder: any Encoder) throws {
        switch ending {
        case .none: break
        case .exiting: exit(3)
        case .aborting: abort()
        }
        var container = encoder.unkeyedContainer()
        try container.encode(meeting)
    }

    init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        self.init(.none, try container.decode(String.self))
    }
}

/// Sends its process id, and returns when two workers have done so.
struct Greeting: PlainJob {
    typealias Input = Farewell
    typealias Output = Int

    func act(_ farewell: Farewell) throws -> Int {
        Rendezvous.sendPid(at: farewell.meeting)
        Rendezvous.arrive(at: farewell.meeting)
        Rendezvous.waitForArrivals(2, at: farewell.meeting)
        return 1
    }
}

private enum InputScenes {
    /// Lets the encoding of an input end a process with a pool; returns its status; expects that its workers end too.
    static func status(_ kind: Kind, _ ending: Farewell.Ending) -> Int32 {
        Scene.setDeadline()
        let meeting = Rendezvous()
        let parent = Process.fork()
        if parent == 0 {
            Scene.setDeadline()
            signal(SIGABRT, SIG_DFL)
            let path = meeting.path
            let pool = try? kind.start(Greeting(), options: .init(chunk: .fixed(1)))
            guard (try? pool?.map([Farewell(.none, path), Farewell(.none, path)])) == [1, 1] else { _exit(9) }
            _ = pool?.mapResults([Farewell(.none, path), Farewell(ending, path)])
            _exit(0)
        }
        let status = Process.wait(for: parent)
        #expect(Set([meeting.receive(), meeting.receive()]).count == 2)
        #expect(meeting.everyWriterIsGone())
        return status
    }
}
