import ForkPool
import Glibc
import Testing

@Suite struct ResidentInputTests {
    @Test(
        "B1: an input that exits in encode(to:) is the caller's own exit, and no worker outlives it",
        arguments: Way.allCases)
    func exits(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in
            #expect(ResidentInputScenes.status(way, .exiting) == 3 << 8)
        }
    }

    @Test(
        "B1: an input that traps in encode(to:) is the caller's own trap, and no worker outlives it",
        arguments: Way.allCases)
    func traps(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in
            #expect(ResidentInputScenes.status(way, .aborting) & 0x7f == SIGABRT)
        }
    }

    @Test(
        "B7: a resident worker's result of 2.5 GiB is exact",
        .enabled(if: Files.availableMemory >= 12 << 30, "less than 12 GiB of memory is available"),
        // Some seconds each: the memory is the same, however its workers are started.
        arguments: [Way.exec])
    func huge(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentInputScenes.huge(way) }
    }

    @Test("B7: 10 000 results of a resident pool of 0 to 1 MiB are exact", arguments: Way.allCases)
    func manySizes(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentInputScenes.manySizes(way) }
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

/// Says its process id, and returns when so many have.
struct Greeting: PlainJob {
    typealias Input = Farewell
    typealias Output = Int

    func act(_ farewell: Farewell) throws -> Int {
        Rendezvous.sayPid(at: farewell.meeting)
        Rendezvous.arrive(at: farewell.meeting)
        Rendezvous.waitForArrivals(2, at: farewell.meeting)
        return 1
    }
}

private enum ResidentInputScenes {
    /// How a process ends that has a pool, and an input that ends its process when it is encoded; its workers end too.
    static func status(_ way: Way, _ ending: Farewell.Ending) -> Int32 {
        Scene.setDeadline()
        let meeting = Rendezvous()
        let parent = Process.fork()
        if parent == 0 {
            Scene.setDeadline()
            signal(SIGABRT, SIG_DFL)
            let path = meeting.path
            let pool = try? way.start(Greeting(), options: .init(chunk: .fixed(1)))
            guard (try? pool?.map([Farewell(.none, path), Farewell(.none, path)])) == [1, 1] else { _exit(9) }
            _ = pool?.mapResults([Farewell(.none, path), Farewell(ending, path)])
            _exit(0)
        }
        let status = Process.wait(for: parent)
        #expect(Set([meeting.receive(), meeting.receive()]).count == 2)
        #expect(meeting.everyWriterIsGone())
        return status
    }

    private static func fills(_ pool: ForkPool.Resident<[Int], [UInt8]>) throws(ForkPool.Failure) {
        #expect(try pool.map([[7, 3], [8, 0]]) == [[7, 7, 7], []])
    }

    static func huge(_ way: Way) {
        ResidentScene.survive(Filling(), way, fills) { pool throws in
            let result = try pool([9, 2560 << 20])
            #expect(result.count == 2_684_354_560)
            #expect(result.isAll(9))
        }
    }

    static func manySizes(_ way: Way) {
        ResidentScene.survive(Filling(), way, fills) { pool throws in
            let sizes = (0..<10_000).map { $0 == 5000 ? 1 << 20 : (($0 % 1024) << 10) >> ($0 % 16) }
            let results = try pool.map(sizes.indices.map { [$0, sizes[$0]] })
            #expect(results.map(\.count) == sizes)
            let wrong = results.indices.first { !results[$0].isAll(UInt8(truncatingIfNeeded: $0)) }
            #expect(wrong == nil)
        }
    }
}
