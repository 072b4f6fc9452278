// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc
import Testing

@testable import ForkPool

/// Which of several runs has a journal.
@Suite("Locks of journals") struct JournalLockTests {
    @Test("H5: two maps of one process do not use one journal at once, and a merge does not", arguments: Kind.allCases)
    func oneProcess(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            Scene.setDeadline()
            let scene = JournalScene()
            do {
                let pool = try kind.start(scene.job(isHeld: true), options: .init(chunk: .fixed(1)))
                let task = Task { try await pool.map(0..<JournalScene.count, journal: scene.path) }
                #expect(scene.waitForLastItem())
                let link = scene.folder + "/link"
                #expect(unsafe symlink(scene.path, link) == 0)
                for path in [scene.path, link] {
                    JournalRefusalTests.expect("another map of this process is at work with it") {
                        () throws(ForkPool.Failure) in
                        try ForkPool(workers: 1).map(0..<JournalScene.count, journal: path) { $0 }
                    }
                    JournalRefusalTests.expect("another map of this process is at work with it") {
                        () throws(ForkPool.Failure) in try ForkPool.merge(journals: [path], as: Int.self)
                    }
                }
                task.cancel()
                await Scene.expectCancelled(task)
                pool.cancel()
                try scene.expectLastRunsAgain(by: kind)
            } catch { Issue.record(error) }
            scene.remove()
        }
    }

    @Test("H5: no fork of a killed process keeps its journal", arguments: Kind.allCases)
    func forks(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            Host.warmUp(kind)
            JournalScene.run { scene throws in
                let host = Host.start {
                    // The host forks a process that does not end, and notes it.
                    let hasForked = Locked(false)
                    let options = ForkPool.Options(
                        chunk: .fixed(1),
                        progress: { progress in
                            guard progress.done == JournalScene.count - 1,
                                !hasForked.withLock({ exchange(&$0, with: true) })
                            else { return }
                            if Process.fork() == 0 { Process.sleepForEver() }
                            close(unsafe open(scene.folder + "/forked", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600))
                        })
                    let pool = try? kind.start(scene.job(isHeld: true), options: options)
                    _ = try? pool?.map(0..<JournalScene.count, journal: scene.path)
                }
                #expect(scene.waitForLastItem())
                #expect(scene.waitForFile("forked"))
                kill(host, SIGKILL)
                #expect(Process.wait(for: host) == SIGKILL)
                #expect(try scene.map(by: kind) == JournalScene.results)
                Host.endOrphans()
            }
        }
    }

    @Test("H5: a journal that is deleted until it is locked is none: two processes never have one at once")
    func deletedBeforeLock() async {
        await #expect(processExitsWith: .success) {
            JournalScene.run { scene throws in
                let (turns, strays) = (SharedCounter(), SharedCounter())
                let hosts = (0..<3).map { _ in
                    Host.start {
                        while turns.value < 4000 {
                            guard let file = try? FileLocks.open(scene.path, writes: true) else { continue }
                            turns.add()
                            // Only the process that has the lock deletes the file: so it is there.
                            if unsafe unlink(scene.path) != 0 { strays.add() }
                            extendLifetime(file)
                        }
                    }
                }
                for host in hosts { #expect(Process.wait(for: host) == 0) }
                #expect(strays.value == 0)
            }
        }
    }

    @Test("H5: a reader of a journal that ends leaves the lock of another one in its process")
    func twoReaders() async {
        await #expect(processExitsWith: .success) {
            JournalScene.run { scene throws in
                // A fork of a process that has used no pool is not told from it.
                _ = try scene.map(by: .residentBody)
                var readers = try (0..<3).map { _ in try FileLocks.open(scene.path, writes: false) }
                /// Whether another process can write to the journal.
                func isFree() -> Bool {
                    let host = Host.start { if (try? FileLocks.open(scene.path, writes: true)) == nil { _exit(1) } }
                    return Process.wait(for: host) == 0
                }
                while !readers.isEmpty {
                    #expect(!isFree(), "\(readers.count) readers")
                    readers.removeFirst()
                }
                #expect(isFree())
                let writer = try FileLocks.open(scene.path, writes: true)
                #expect(throws: FileLocks.Refusal.self) { try FileLocks.open(scene.path, writes: false) }
                #expect(!isFree())
                extendLifetime(writer)
            }
        }
    }

    @Test("the folder that is waited for is that of the file, and not that of a link to it")
    func folderOfLink() throws {
        let scene = JournalScene()
        let other = JournalScene()
        defer {
            scene.remove()
            other.remove()
        }
        #expect(unsafe symlink(scene.path, other.path) == 0)
        #expect(try OwnedFile(other.path, writes: true).folder == scene.folder + "/")
        #expect(try OwnedFile(scene.path, writes: true).folder == scene.folder + "/")
    }
}
