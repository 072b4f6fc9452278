// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc
import Testing

@testable import ForkPool

@Suite("Journals") struct JournalTests {
    @Test(
        "a map whose parent is killed goes on, and runs nothing again that is in the journal", arguments: Kind.allCases)
    func killed(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            Host.warmUp(kind)
            JournalScene.run { scene throws in
                let host = Host.start { _ = try? scene.map(by: kind, isHeld: true) }
                // All items but the last one are in the journal, and that one waits.
                #expect(scene.waitUntilRecorded(JournalScene.count - 1))
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

    @Test("what is torn off a journal's end runs again, and nothing else", arguments: [false, true])
    func torn(_ coded: Bool) async {
        await #expect(processExitsWith: .success) { [coded] in
            JournalScene.run { scene throws in
                let whole = try scene.journal(coded: coded)
                for size in stride(from: whole.count - 1, through: 0, by: -3) {
                    scene.write(Array(whole[..<size]))
                    scene.forgetRuns()
                    #expect(
                        try scene.map(coded: coded) == JournalScene.results, "cut to \(size) of \(whole.count) bytes")
                    #expect(scene.runs.allSatisfy { $0 <= 1 })
                    #expect(Files.bytes(scene.path).count >= whole.count)
                }
            }
        }
    }

    @Test("no byte that is changed gives a wrong result", arguments: [false, true])
    func damaged(_ coded: Bool) async {
        await #expect(processExitsWith: .success) { [coded] in
            JournalScene.run { scene throws in
                let whole = try scene.journal(coded: coded)
                for index in whole.indices {
                    var bytes = whole
                    bytes[index] ^= UInt8(1 << (index % 8))
                    scene.write(bytes)
                    do throws(ForkPool.Failure) {
                        #expect(try scene.map(coded: coded) == JournalScene.results, "byte \(index)")
                    } catch {
                        #expect(error.code == .journalFailed, "byte \(index): \(error)")
                        #expect(Files.bytes(scene.path) == bytes, "a refused file is not changed")
                    }
                }
            }
        }
    }

    @Test("a journal that is in use, of another job or no journal is refused, and not changed")
    func refusals() async {
        await #expect(processExitsWith: .success) {
            JournalScene.run { scene throws in
                let whole = try scene.journal(coded: false)
                let pool = ForkPool(workers: 2)
                func refusal(_ map: () throws(ForkPool.Failure) -> Void) -> String {
                    do throws(ForkPool.Failure) { try map() } catch {
                        #expect(error.code == .journalFailed)
                        #expect(error.bodyRan == .no)
                        return error.message
                    }
                    return "nothing was refused"
                }
                let path = scene.path
                #expect(
                    refusal { () throws(ForkPool.Failure) in _ = try pool.map(0..<3, journal: path) { $0 } }
                        .contains("has 12 items and not 3"))
                #expect(
                    refusal { () throws(ForkPool.Failure) in _ = try pool.map(0..<12, journal: path) { "\($0)" } }
                        .contains("results of another type"))
                #expect(
                    refusal { () throws(ForkPool.Failure) in _ = try pool.map(0..<12, journal: path, key: "2") { $0 } }
                        .contains("has the key \"\" and not \"2\""))
                #expect(
                    refusal { () throws(ForkPool.Failure) in
                        _ = try pool.map(0..<12, shard: .init(index: 0, count: 2), journal: path) { $0 }
                    }.contains("is of the items 0..<12 and not of 0..<6"))
                #expect(Files.bytes(path) == whole)
                let file = try OwnedFile(path, writes: false)
                #expect(try file.lock())
                #expect(
                    refusal { () throws(ForkPool.Failure) in _ = try pool.map(0..<12, journal: path) { $0 } }
                        .contains("another process is at work with it"))
                let results = pool.mapResults(0..<3, journal: path) { $0 }
                #expect(results.count == 3 && results.allSatisfy { $0.failure?.code == .journalFailed })
                scene.write(Array("A letter, and no journal.".utf8))
                extendLifetime(file)
                #expect(
                    refusal { () throws(ForkPool.Failure) in _ = try pool.map(0..<12, journal: scene.other) { $0 } }
                        .contains("make its folder first"))
            }
        }
    }

    @Test("a file without the beginning of a journal is refused, and not changed")
    func foreignFile() async {
        await #expect(processExitsWith: .success) {
            JournalScene.run { scene throws in
                let letter = Array("A letter, and no journal.".utf8)
                scene.write(letter)
                let failure = failure { () throws(ForkPool.Failure) in try scene.map() }
                #expect(failure?.message.contains("the file is no journal") == true)
                #expect(Files.bytes(scene.path) == letter)
            }
        }
    }

    @Test("a full disk costs the journal alone, which goes on when there is room", .enabled(if: Fault.isAvailable))
    func fullDisk() async {
        await #expect(processExitsWith: .success) {
            JournalScene.run { scene throws in
                let heard = Locked<[ForkPool.Failure]>([])
                let pool = ForkPool(workers: 2)
                Fault(call: "pwrite", role: .parent, first: 2, times: 1000, error: ENOSPC).begin()
                let results = try pool.map(
                    0..<JournalScene.count, journal: scene.path,
                    onFailure: { failure in heard.withLock { $0.append(failure) } }
                ) { $0 * $0 }
                Fault.end()
                #expect(results == JournalScene.results)
                let failures = heard.withLock { $0 }
                #expect(failures.count == 1)
                #expect(failures.first?.errno == ENOSPC)
                #expect(failures.first?.message.contains(scene.path) == true)
                #expect(try scene.map() == JournalScene.results)
                #expect(scene.runs == Array(repeating: 1, count: JournalScene.count))
            }
        }
    }

    @Test("a limit on the size of files costs the journal alone")
    func fileSizeLimit() async {
        await #expect(processExitsWith: .success) {
            JournalScene.run { scene throws in
                var limit = rlimit(rlim_cur: 1024, rlim_max: 1 << 40)
                #expect(unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
                let heard = Locked(0)
                let results = try ForkPool(workers: 2).map(
                    0..<1000, journal: scene.path,
                    onFailure: { failure in heard.withLock { $0 = Int(failure.errno ?? 0) } }
                ) { $0 * $0 }
                #expect(results == (0..<1000).map { $0 * $0 })
                #expect(heard.withLock { $0 } == Int(EFBIG))
            }
        }
    }

    @Test("a file that is cut while it is used costs the journal alone")
    func cut() async {
        await #expect(processExitsWith: .success) {
            JournalScene.run { scene throws in
                let heard = Locked<[String]>([])
                let path = scene.path
                // The workers have seen the file whole; the parent writes to it when the map ends.
                let results = try ForkPool(workers: 1).map(
                    0..<3, journal: path, onFailure: { failure in heard.withLock { $0.append(failure.message) } }
                ) { item in
                    if item == 0 { unsafe truncate(path, 10) }
                    return item
                }
                #expect(results == [0, 1, 2])
                #expect(heard.withLock { $0 }.count == 1)
                #expect(heard.withLock { $0 }.first?.contains("made it 10 bytes long") == true)
            }
        }
    }

    @Test("failed items run again, and the others do not", arguments: Kind.allCases)
    func failedItems(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            JournalScene.run { scene throws in
                let pool = try kind.start(JournalJob(folder: scene.folder, failsAt: 5, isHeld: false))
                let results = pool.mapResults(0..<JournalScene.count, journal: scene.path)
                #expect(results.compactMap { try? $0.get() }.count == JournalScene.count - 1)
                #expect(results[5].failure?.thrown != nil)
                pool.close()
                #expect(try scene.map(by: kind) == JournalScene.results)
                #expect(scene.runs == (0..<JournalScene.count).map { $0 == 5 ? 2 : 1 })
            }
        }
    }

    @Test("no worker keeps the file, which another run can use when the parent is gone", arguments: Kind.allCases)
    func descriptors(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            JournalScene.run { scene throws in
                let pool = try kind.start(OpenFiles())
                let targets = try pool.map([0], journal: scene.path)[0]
                #expect(!targets.contains { $0.hasSuffix("journal") }, "\(targets)")
                pool.close()
            }
        }
    }

    @Test("shards put together are the whole; one that is missing is named")
    func merge() async {
        await #expect(processExitsWith: .success) {
            JournalScene.run { scene throws in
                let paths = (0..<3).map { "\(scene.folder)/\($0).part" }
                for index in 0..<3 {
                    let shard = ForkPool.Shard(index: index, count: 3)
                    let part = try ForkPool(workers: 2).map(
                        0..<10, shard: shard, journal: scene.folder + "/{shard}.part"
                    ) { "item \($0)" }
                    #expect(part == shard.range(of: 10).map { "item \($0)" })
                }
                #expect(try ForkPool.merge(journals: paths, as: String.self) == (0..<10).map { "item \($0)" })
                let failure = failure { () throws(ForkPool.Failure) in
                    try ForkPool.merge(journals: [paths[0], paths[2]], as: String.self)
                }
                #expect(failure?.message.contains("3 of 10 items: 4..<7;") == true)
                let other = FaultTests.failure { () throws(ForkPool.Failure) in
                    try ForkPool.merge(journals: paths, as: Int.self)
                }
                #expect(other?.message.contains("results of another type") == true)
            }
        }
    }

    @Test("the failure of a shard has the item's index among all")
    func shardFailure() async {
        await #expect(processExitsWith: .success) {
            JournalScene.run { scene throws in
                let failure = failure { () throws(ForkPool.Failure) in
                    try ForkPool(workers: 2).map(
                        0..<10, shard: .init(index: 1, count: 2), journal: scene.path
                    ) { item in
                        if item == 7 { throw JournalScene.Refused() }
                        return item
                    }
                }
                #expect(failure?.index == 7)
            }
        }
    }

    @Test("bits, codes, effects and slots go on, in async code too")
    func everyMap() async {
        await #expect(processExitsWith: .success) {
            Scene.setDeadline()
            let folder = Files.makeFolder()
            let pool = ForkPool(workers: 2)
            do {
                for _ in 0..<2 {
                    let pairs = try await pool.map(0..<5, journal: folder + "/a") { (UInt8($0), Double($0)) }
                    #expect(pairs.map(\.1) == [0, 1, 2, 3, 4])
                    let words = await pool.mapResults(0..<5, journal: folder + "/b") { "\($0)" }
                    #expect(words.map { try? $0.get() } == ["0", "1", "2", "3", "4"])
                    try await pool.forEach(0..<5, journal: folder + "/c") { _ in }
                    let slots = try await pool.fill(count: 3, slot: 2, of: Int.self, journal: folder + "/d") {
                        slot, out in
                        out[0] = slot
                        out[1] = -slot
                    }
                    #expect(Array(slots) == [0, 0, 1, -1, 2, -2])
                }
            } catch { Issue.record("\(error)") }
            for name in ["a", "b", "c", "d"] { unsafe unlink(folder + "/" + name) }
            unsafe rmdir(folder)
        }
    }
}

/// A map with a journal, in a folder of its own.
struct JournalScene {
    static let count = 12
    static let results = (0..<count).map { $0 * $0 }

    struct Refused: Error {}

    let folder = Files.makeFolder()
    var path: String { folder + "/journal" }
    /// A path in a folder that is not there.
    var other: String { folder + "/none/journal" }

    /// Runs a scene, and removes its files.
    static func run(_ work: (JournalScene) throws -> Void) {
        Scene.setDeadline()
        let scene = JournalScene()
        do { try work(scene) } catch { Issue.record("\(error)") }
        for name in Files.names(in: scene.folder) where !name.hasPrefix(".") {
            unsafe unlink(scene.folder + "/" + name)
        }
        unsafe rmdir(scene.folder)
    }

    /// How often each item ran, by what the bodies noted.
    var runs: [Int] {
        Files.bytes(folder + "/runs").reduce(into: Array(repeating: 0, count: Self.count)) { $0[Int($1)] += 1 }
    }

    func forgetRuns() {
        unsafe unlink(folder + "/runs")
    }

    func write(_ bytes: [UInt8]) {
        let file = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        defer { close(file) }
        #expect(unsafe Glibc.write(file, bytes, bytes.count) == bytes.count)
    }

    /// Maps by a pool of a kind; the last item waits for ever if the map is held.
    func map(by kind: Kind, isHeld: Bool = false) throws(ForkPool.Failure) -> [Int] {
        let pool = try kind.start(
            JournalJob(folder: folder, failsAt: -1, isHeld: isHeld), options: .init(chunk: .fixed(1)))
        defer { pool.close() }
        return try pool.map(0..<Self.count, journal: path)
    }

    /// Maps by a one-shot pool, to results that are bits or coded.
    func map(coded: Bool = false) throws(ForkPool.Failure) -> [Int] {
        let job = JournalJob(folder: folder, failsAt: -1, isHeld: false)
        let pool = ForkPool(workers: 2)
        guard coded else { return try pool.map(0..<Self.count, journal: path) { try job.act($0) } }
        return try pool.map(0..<Self.count, journal: path) { "\(try job.act($0))" }.map { Int($0)! }
    }

    /// Makes a whole journal of some records, and returns its bytes.
    func journal(coded: Bool) throws(ForkPool.Failure) -> [UInt8] {
        _ = try map(coded: coded)
        return Files.bytes(path)
    }

    /// Waits until the journal has the results of so many items; false after some seconds.
    func waitUntilRecorded(_ items: Int) -> Bool {
        for _ in 0..<10_000 {
            if let file = try? OwnedFile(path, writes: false), var reader = try? JournalReader(file) {
                let found = RestoredResults(items: Self.count, size: reader.fileSize)
                try? reader.forEach { found.add($0) }
                if found.isThere.count(where: \.self) >= items { return true }
            }
            usleep(1000)
        }
        return false
    }
}

/// Notes that it ran, and squares its input.
struct JournalJob: PlainJob {
    typealias Input = Int
    typealias Output = Int

    let folder: String
    let failsAt: Int
    let isHeld: Bool

    func act(_ input: Int) throws -> Int {
        let file = unsafe open(folder + "/runs", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        var item = UInt8(input)
        _ = unsafe write(file, &item, 1)
        close(file)
        if input == failsAt { throw JournalScene.Refused() }
        while isHeld, input == JournalScene.count - 1 { pause() }
        return input * input
    }
}

/// Says what the descriptors of its worker lead to.
struct OpenFiles: PlainJob {
    typealias Input = Int
    typealias Output = [String]

    func act(_ input: Int) -> [String] { (0..<256).map { Files.target(of: $0) } }
}
