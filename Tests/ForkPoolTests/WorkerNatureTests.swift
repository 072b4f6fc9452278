// SPDX-License-Identifier: Apache-2.0
import ForkPool
import Glibc
import Synchronization
import Testing

@Suite("A worker's name, processor and progress")
struct WorkerNatureTests {
    /// What workers of the three kinds report.
    private static func seen(by options: ForkPool.Options) throws -> [[Nature.Seen]] {
        let pool = ForkPool(workers: 2, options: options)
        let forked = try pool.resident(Nature(), start: .fork)
        let execed = try pool.resident(Nature(), start: .exec)
        defer {
            forked.close()
            execed.close()
        }
        return [try pool.map(0..<20) { _ in Nature.now() }, try forked.map(0..<20), try execed.map(0..<20)]
    }

    @Test("the name has the worker's number, within 15 bytes and whole characters")
    func name() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let before = Nature.now()
                for (name, expected) in [
                    ("sum", ["sum-0", "sum-1"]),
                    ("a name of some length", ["a name of som-0", "a name of som-1"]),
                    ("äöüäöüäöü", ["äöüäöü-0", "äöüäöü-1"]),
                    ("👩‍👩‍👧👩‍👩‍👧", ["-0", "-1"]),
                    ("日本語日本語", ["日本語日-0", "日本語日-1"]),
                    ("", ["-0", "-1"]),
                ] {
                    for seen in try Self.seen(by: .init(chunk: .fixed(1), name: name)) {
                        #expect(seen.allSatisfy { expected.contains($0.name) && $0.name.utf8.count <= 15 }, "\(seen)")
                    }
                }
                for seen in try Self.seen(by: .init()) {
                    #expect(seen.allSatisfy { $0.name == before.name }, "\(seen)")
                }
                #expect(Nature.now() == before)
            }
        }
    }

    @Test("a pinned worker runs on one processor, and the parent on all as before")
    func pinning() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let before = Nature.now()
                for seen in try Self.seen(by: .init(pinning: true)) {
                    #expect(seen.allSatisfy { $0.processors == [1, 1] }, "\(seen)")
                }
                for seen in try Self.seen(by: .init()) {
                    #expect(seen.allSatisfy { $0.processors == before.processors }, "\(seen)")
                }
                // More workers than processors: in turn.
                let many = try ForkPool(workers: 9, options: .init(chunk: .fixed(1), pinning: true)).map(0..<90) { _ in
                    Nature.now().processors
                }
                #expect(many == Array(repeating: [1, 1], count: 90))
                #expect(Nature.now() == before)
            }
        }
    }

    @Test("the niceness applies to the worker and not to the parent")
    func niceness() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let before = Nature.now()
                let now = before.niceness[1]
                for (niceness, expected) in [(0, now), (3, min(now + 3, 19)), (19, min(now + 19, 19))] {
                    for seen in try Self.seen(by: .init(niceness: niceness)) {
                        #expect(seen.allSatisfy { $0.niceness == [expected, expected] }, "\(seen)")
                    }
                }
                #expect(Nature.now() == before)
            }
        }
    }

    @Test("progress never goes back, and ends with everything done")
    func progress() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let heard = Heard()
                let pool = ForkPool(workers: 2, options: .init(chunk: .fixed(1), progress: { heard.hears($0) }))
                #expect(try pool.map(0..<120, slowly) == Array(0..<120))
                heard.check(total: 120, most: 600 / 100)
                let resident = try pool.resident(slowly)
                #expect(try resident.map(0..<120) == Array(0..<120))
                heard.check(total: 120, most: 600 / 100)
                resident.close()
                // A short map is reported once; items that fail count, and so do those that are not begun.
                #expect(try pool.map(0..<5) { $0 } == [0, 1, 2, 3, 4])
                heard.check(total: 5, most: 1)
                _ = pool.mapResults(0..<5) { item -> Int in if item == 2 { abort() } else { return item } }
                heard.check(total: 5, most: 1)
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("progress is reported in asynchronous code as well")
    func asyncProgress() async {
        await #expect(processExitsWith: .success) {
            await Alone.runAsync { () async throws in
                let heard = Heard()
                let pool = ForkPool(workers: 2, options: .init(chunk: .fixed(1), progress: { heard.hears($0) }))
                #expect(try await pool.map(0..<120, slowly) == Array(0..<120))
                heard.check(total: 120, most: 600 / 100)
                let resident = try pool.resident(slowly)
                #expect(try await resident.map(0..<120) == Array(0..<120))
                heard.check(total: 120, most: 600 / 100)
                await resident.finish()
            }
        }
    }
}

/// Takes some 10 ms.
private let slowly: @Sendable (Int) -> Int = { item in
    usleep(10_000)
    return item
}

/// The calls of a progress handler during one map.
private final class Heard: Sendable {
    private let all = Mutex<[ForkPool.Options.Progress]>([])
    private let begun = Mutex(ContinuousClock.now)

    func hears(_ progress: ForkPool.Options.Progress) {
        all.withLock { $0.append(progress) }
    }

    /// Checks what must hold for every map, and resets itself.
    ///
    /// - Parameters:
    ///   - total: The number of items.
    ///   - most: How many calls a map is expected to have on a quiet machine.
    func check(total: Int, most: Int) {
        let heard = all.withLock { all in
            defer { all = [] }
            return all
        }
        let taken = begun.withLock { begun in
            defer { begun = .now }
            return ContinuousClock.now - begun
        }
        #expect(heard.last?.done == total)
        #expect(heard.allSatisfy { $0.total == total && $0.done <= total })
        for (one, next) in zip(heard, heard.dropFirst()) { #expect(one.done <= next.done) }
        // One call in each 100 ms of the map, however slow the machine is, and one at the end.
        let slots = Int(taken / .milliseconds(100))
        #expect(heard.count <= max(most, slots) + 1, "\(heard.count) in \(taken)")
    }
}
