// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc
import Testing

@testable import ForkPool

@Suite("Maps with a journal") struct JournalTests {
    @Test(
        "H1: a map whose parent is killed goes on, and runs nothing again that is in the journal",
        arguments: Kind.allCases)
    func killed(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            Host.warmUp(kind)
            JournalScene.run { scene throws in
                let host = Host.start { _ = try? scene.map(by: kind, isHeld: true) }
                // All items but the last one are in the journal, and that one waits.
                #expect(scene.waitForLastItem())
                kill(host, SIGKILL)
                #expect(Process.wait(for: host) == SIGKILL)
                #expect(try scene.map(by: kind) == JournalScene.results)
                #expect(scene.runs == Array(repeating: 1, count: JournalScene.count - 1) + [2])
                // A journal that is complete runs nothing.
                #expect(try scene.map(by: kind) == JournalScene.results)
                #expect(scene.runs.reduce(0, +) == JournalScene.count + 1)
            }
        }
    }

    @Test("H6: failed items run again, and the others do not", arguments: Kind.allCases)
    func failedItems(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            JournalScene.run(kind, job: { $0.job(failsAt: 5) }) { scene, pool throws in
                for attempt in 1...2 {
                    let results = pool.mapResults(0..<JournalScene.count, journal: scene.path)
                    #expect(results.compactMap(\.value).count == JournalScene.count - 1)
                    #expect(results[5].failure?.thrown != nil)
                    #expect(scene.runs == (0..<JournalScene.count).map { $0 == 5 ? attempt : 1 })
                }
                #expect(try scene.map(by: kind) == JournalScene.results)
                #expect(scene.runs == (0..<JournalScene.count).map { $0 == 5 ? 3 : 1 })
            }
        }
    }

    @Test("H6: a map that fails keeps what it did", arguments: Kind.allCases)
    func failedMap(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            JournalScene.run(kind, options: .init(chunk: .fixed(1)), job: { $0.job(failsAt: 5) }) {
                scene, pool throws in
                let failure = failure { () throws(ForkPool.Failure) in
                    try pool.map(0..<JournalScene.count, journal: scene.path)
                }
                #expect(failure?.index == 5)
                let recorded = scene.recorded
                // A map finishes the items below the one that fails.
                #expect(recorded.prefix(5).allSatisfy { $0 } && !recorded[5])
                scene.forgetRuns()
                #expect(try scene.map(by: kind) == JournalScene.results)
                #expect(scene.runs == recorded.map { $0 ? 0 : 1 })
            }
        }
    }

    @Test(
        "H6: an item that needs a second attempt, and one that times out, leave the others alone",
        arguments: Kind.allCases)
    func attempts(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            let options = ForkPool.Options(chunk: .fixed(1), timeout: .seconds(1), retries: 1)
            JournalScene.run(kind, options: options, job: { FirstAttempts(folder: $0.folder) }) { scene, pool throws in
                let results = pool.mapResults(0..<JournalScene.count, journal: scene.path)
                #expect(results[FirstAttempts.hanging].failure?.code == .timedOut)
                #expect(results[FirstAttempts.crashing].value == 9)
                #expect(results.compactMap(\.value).count == JournalScene.count - 1)
                let runs = scene.runs
                #expect(runs[FirstAttempts.crashing] == 2 && runs[FirstAttempts.hanging] == 2)
                scene.forgetRuns()
                #expect(try scene.map(by: kind) == JournalScene.results)
                #expect(scene.runs == (0..<JournalScene.count).map { $0 == FirstAttempts.hanging ? 1 : 0 })
            }
        }
    }

    @Test("H6: a task that is cancelled keeps what it did", arguments: Kind.allCases)
    func cancelled(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            Scene.setDeadline()
            let scene = JournalScene()
            do {
                let pool = try kind.start(scene.job(isHeld: true), options: .init(chunk: .fixed(1)))
                let task = Task { try await pool.map(0..<JournalScene.count, journal: scene.path) }
                #expect(scene.waitForLastItem())
                task.cancel()
                await Scene.expectCancelled(task)
                pool.cancel()
                try scene.expectLastRunsAgain(by: kind)
            } catch { Issue.record(error) }
            scene.remove()
        }
    }

    @Test("a pool that was closed refuses a map with a journal, which another pool makes", arguments: Kind.resident)
    func closed(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            JournalScene.run(kind) { scene, pool throws in
                pool.close()
                let failure = failure { () throws(ForkPool.Failure) in
                    try pool.map(0..<JournalScene.count, journal: scene.path)
                }
                #expect(failure?.code == .closed)
                #expect(try scene.map(by: kind) == JournalScene.results)
            }
        }
    }

    @Test("a map of nothing has a journal, too", arguments: Kind.allCases)
    func empty(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            JournalScene.run(kind) { scene, pool throws in
                for _ in 0..<2 {
                    #expect(try pool.map(0..<0, journal: scene.path) == [])
                    #expect(pool.mapResults(0..<0, journal: scene.path).isEmpty)
                    #expect(scene.recorded == [])
                }
                #expect(try ForkPool.merge(journals: [scene.path], as: Int.self) == [])
            }
        }
    }

    @Test("no worker keeps the file, which another run can use when the parent is gone", arguments: Kind.allCases)
    func descriptors(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            JournalScene.run(kind, job: { _ in OpenFiles() }) { scene, pool throws in
                let targets = try pool.map([0], journal: scene.path)[0]
                #expect(!targets.contains { $0.hasSuffix("journal") }, "\(targets)")
            }
        }
    }

    @Test("nothing is left of maps with journals: no descriptor, no thread, no memory", arguments: Kind.allCases)
    func nothingLeft(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            let scene = JournalScene()
            Scene.survive(scene.job(failsAt: 3), kind, nil) { pool in
                for _ in 0..<3 { _ = pool.mapResults(0..<JournalScene.count, journal: scene.path) }
                for name in ["a", "b"] { _ = try? pool.map(0..<JournalScene.count, journal: scene.folder + "/" + name) }
            }
            scene.remove()
        }
    }
}

/// An item crashes at its first attempt, and another one never ends.
struct FirstAttempts: PlainJob {
    typealias Input = Int
    typealias Output = Int

    static let crashing = 3
    static let hanging = 7

    let folder: String

    func act(_ input: Int) -> Int {
        note(input, in: folder)
        if input == Self.crashing, ForkPool.worker?.attempt == 1 { kill(getpid(), SIGKILL) }
        while input == Self.hanging { pause() }
        return input * input
    }
}

/// Says what the descriptors of its worker lead to.
struct OpenFiles: PlainJob {
    typealias Input = Int
    typealias Output = [String]

    func act(_ input: Int) -> [String] { (0..<256).map { Files.target(of: $0) } }
}
