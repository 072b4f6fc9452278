// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc
import Testing

@testable import ForkPool

/// Journals that cannot be used.
@Suite("Refused journals") struct JournalRefusalTests {
    /// Expects a failure of a map before anything runs, with these words.
    static func expect<T>(
        _ words: String, sourceLocation: SourceLocation = #_sourceLocation, _ map: () throws(ForkPool.Failure) -> T
    ) {
        let failure = failure(of: map)
        #expect(failure?.code == .journalFailed, sourceLocation: sourceLocation)
        #expect(failure?.bodyRan == .no, sourceLocation: sourceLocation)
        #expect(
            failure?.message.contains(words) == true, "\(failure?.message ?? "nothing is refused")",
            sourceLocation: sourceLocation)
    }

    @Test("H5: a journal of another job is refused, and not changed", arguments: Kind.allCases)
    func otherJobs(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            JournalScene.run(kind) { scene, pool throws in
                let count = JournalScene.count
                _ = try pool.map(0..<count, journal: scene.path)
                let whole = Files.bytes(scene.path)
                scene.forgetRuns()
                typealias Refused = JournalRefusalTests
                Refused.expect("has 12 items and not 3") { () throws(ForkPool.Failure) in
                    try pool.map(0..<3, journal: scene.path)
                }
                Refused.expect("has the key \"\" and not \"2\"") { () throws(ForkPool.Failure) in
                    try pool.map(0..<count, journal: scene.path, key: "2")
                }
                let words = try kind.start(JournalWordJob(folder: scene.folder))
                Refused.expect("has results of another type (Si and not SaySSG)") { () throws(ForkPool.Failure) in
                    try words.map(0..<count, journal: scene.path)
                }
                words.close()
                let outcomes = pool.mapResults(0..<3, journal: scene.path)
                #expect(outcomes.count == 3 && outcomes.allSatisfy { $0.failure?.code == .journalFailed })
                let plain = ForkPool(workers: 1)
                Refused.expect("is of the items 0..<12 and not of 0..<6") { () throws(ForkPool.Failure) in
                    try plain.map(0..<count, shard: .init(index: 0, count: 2), journal: scene.path) { $0 }
                }
                Refused.expect("has results of 8 bytes and not of 16") { () throws(ForkPool.Failure) in
                    try plain.fill(count: count, slot: 2, of: Int.self, journal: scene.path) { _, _ in }
                }
                #expect(Files.bytes(scene.path) == whole)
                #expect(scene.runs.reduce(0, +) == 0)
                #expect(try pool.map(0..<count, journal: scene.path) == JournalScene.results)
            }
        }
    }

    @Test("H5: a file that is no journal, or of another version, is refused, and not changed", arguments: Kind.allCases)
    func otherFiles(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            JournalScene.run(kind) { scene, pool throws in
                _ = try pool.map(0..<JournalScene.count, journal: scene.path)
                var newer = Files.bytes(scene.path)
                newer[16] = 7
                let files: [(bytes: [UInt8], words: String)] = [
                    (Array("A letter, and no journal.".utf8), "the file is no journal"),
                    (Array(repeating: 0, count: 4096), "the file is no journal"),
                    (newer, "another version of ForkPool wrote it (format 7, here 1)"),
                    (Array(newer[..<40]), "its beginning is damaged; remove it to begin again"),
                ]
                for file in files {
                    scene.write(file.bytes)
                    JournalRefusalTests.expect(file.words) { () throws(ForkPool.Failure) in
                        try pool.map(0..<JournalScene.count, journal: scene.path)
                    }
                    #expect(Files.bytes(scene.path) == file.bytes)
                }
            }
        }
    }

    @Test("H5: a key that no journal has room for is refused, and no file made", arguments: Kind.allCases)
    func longKey(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            JournalScene.run(kind) { scene, pool throws in
                let key = String(repeating: "k", count: 1 << 20)
                JournalRefusalTests.expect("its key has 1048577 bytes; give one of at most 1048576") {
                    () throws(ForkPool.Failure) in
                    try pool.map(0..<JournalScene.count, journal: scene.path, key: key + "k")
                }
                #expect(!Files.names(in: scene.folder).contains("journal"))
                for _ in 0..<2 {
                    #expect(
                        try pool.map(0..<JournalScene.count, journal: scene.path, key: key) == JournalScene.results)
                }
                #expect(scene.runs == Array(repeating: 1, count: JournalScene.count))
            }
        }
    }

    @Test("H5: two runs at once do not use one journal", arguments: Kind.allCases)
    func twoRuns(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            Host.warmUp(kind)
            JournalScene.run { scene throws in
                let host = Host.start { _ = try? scene.map(by: kind, isHeld: true) }
                #expect(scene.waitForLastItem())
                JournalRefusalTests.expect("another run is at work with it, process \(host);") {
                    () throws(ForkPool.Failure) in try scene.map(by: kind)
                }
                JournalRefusalTests.expect("another run is at work with it, process \(host);") {
                    () throws(ForkPool.Failure) in
                    try ForkPool.merge(journals: [scene.path], as: Int.self)
                }
                kill(host, SIGKILL)
                #expect(Process.wait(for: host) == SIGKILL)
                #expect(try scene.map(by: kind) == JournalScene.results)
            }
        }
    }

    @Test("H5: what cannot be opened or locked is refused with what to do", arguments: Kind.allCases)
    func refusedCalls(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            JournalScene.run(kind) { scene, pool throws in
                let pipe = scene.folder + "/pipe"
                #expect(unsafe mkfifo(pipe, 0o600) == 0)
                let paths = [
                    (scene.folder + "/none/journal", "make its folder first"),
                    (scene.folder, "give the path of a file"),
                    (pipe, "give the path of a file"), ("/dev/null", "give the path of a file"),
                    ("", "make its folder first"),
                ]
                for (path, words) in paths {
                    JournalRefusalTests.expect(words) { () throws(ForkPool.Failure) in try pool.map([1], journal: path)
                    }
                }
                #expect(scene.runs.reduce(0, +) == 0)
            }
        }
    }

    @Test(
        "H5: a file system that has no locks or no room is refused with what to do", .enabled(if: Fault.isAvailable),
        arguments: Kind.allCases)
    func fileSystems(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            JournalScene.run(kind) { scene, pool throws in
                let cases: [(call: String, error: Int32, words: String)] = [
                    ("fcntl_lock", ENOLCK, "its file system has no locks"),
                    ("fcntl_lock", EOPNOTSUPP, "its file system has no locks"),
                    ("pwrite", ENOSPC, "make room on its disk"), ("pwrite", EDQUOT, "make room on its disk"),
                    ("pwrite", EIO, "put it on another disk"), ("open", EACCES, "put it where this process may write"),
                    ("open", EROFS, "put it where this process may write"),
                    ("open", EMFILE, "raise the limit on open files"),
                ]
                for (call, error, words) in cases {
                    Fault(call: call, role: .parent, first: 1, times: 1, error: error).begin()
                    JournalRefusalTests.expect(words) { () throws(ForkPool.Failure) in
                        try pool.map(0..<JournalScene.count, journal: scene.path)
                    }
                    Fault.end()
                }
                #expect(scene.runs.reduce(0, +) == 0)
                #expect(try pool.map(0..<JournalScene.count, journal: scene.path) == JournalScene.results)
            }
        }
    }

    @Test(
        "each call that fails at any step costs the journal or its map, which is right the next time",
        .enabled(if: Fault.isAvailable), arguments: Kind.allCases)
    func failingCalls(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            let calls: [(name: String, error: Int32)] = [
                ("open", EACCES), ("stat", EIO), ("fcntl_lock", ENOLCK), ("pread", EIO), ("pwrite", EIO),
                ("ftruncate", EIO),
                ("fdatasync", EIO), ("fsync", EIO), ("pthread_create", EAGAIN), ("malloc", ENOMEM),
            ]
            JournalScene.run(kind) { scene, pool throws in
                for (call, error) in calls {
                    for first in 1...3 {
                        unsafe unlink(scene.path)
                        let heard = Locked<[ForkPool.Failure]>([])
                        Fault(call: call, role: .parent, first: first, times: 1, error: error).begin()
                        let result = Result { () throws(ForkPool.Failure) in
                            try pool.map(
                                0..<JournalScene.count, journal: scene.path, sync: .each,
                                onFailure: { failure in heard.withLock { $0.append(failure) } })
                        }
                        Fault.end()
                        switch result {
                        case .success(let results): #expect(results == JournalScene.results, "\(call) \(first)")
                        case .failure(let failure): #expect(failure.errno == error, "\(call) \(first): \(failure)")
                        }
                        #expect(heard.withLock { $0 }.allSatisfy { $0.errno == error }, "\(call) \(first)")
                        let isWhole = scene.recorded == Array(repeating: true, count: JournalScene.count)
                        #expect(
                            isWhole || result.failure != nil || !heard.withLock { $0 }.isEmpty,
                            "\(call) \(first): silent")
                        #expect(try pool.map(0..<JournalScene.count, journal: scene.path) == JournalScene.results)
                    }
                }
            }
        }
    }
}
