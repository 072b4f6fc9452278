// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc
import Testing

@testable import ForkPool

/// A map with a journal, in a folder of its own.
struct JournalScene {
    static let count = 12
    static let results = (0..<count).map { $0 * $0 }

    struct Refused: Error {}

    let folder = Files.makeFolder()
    var path: String { folder + "/journal" }

    /// Runs a scene, and removes its files.
    static func run(_ work: (JournalScene) throws -> Void) {
        Scene.setDeadline()
        let scene = JournalScene()
        do { try work(scene) } catch { Issue.record("\(error)") }
        scene.remove()
    }

    /// Runs a scene with a pool that does the job of most scenes, and is closed at the end.
    static func run(_ kind: Kind, _ work: (JournalScene, AnyPool<JournalJob>) throws -> Void) {
        run(kind, job: { $0.job() }, work)
    }

    /// Does the same with another job.
    static func run<J: PlainJob>(
        _ kind: Kind, options: ForkPool.Options = .init(), job: (JournalScene) -> J,
        _ work: (JournalScene, AnyPool<J>) throws -> Void
    ) {
        run { scene throws in
            let pool = try kind.start(job(scene), options: options)
            defer { pool.close() }
            try work(scene, pool)
        }
    }

    func remove() {
        for name in Files.names(in: folder) where name != "." && name != ".." { unsafe unlink(folder + "/" + name) }
        unsafe rmdir(folder)
    }

    // MARK: - What ran

    /// How often each item ran, by what the bodies noted.
    var runs: [Int] {
        Files.bytes(folder + "/runs").reduce(into: Array(repeating: 0, count: Self.count)) { $0[Int($1)] += 1 }
    }

    func forgetRuns() {
        unsafe unlink(folder + "/runs")
    }

    // MARK: - Maps

    /// The job of most scenes: it notes that it runs, and squares its input.
    func job(failsAt: Int = -1, isHeld: Bool = false) -> JournalJob {
        JournalJob(folder: folder, failsAt: failsAt, isHeld: isHeld)
    }

    /// Maps by a pool of a kind; the last item waits for ever if the map is held.
    func map(by kind: Kind, isHeld: Bool = false, failsAt: Int = -1) throws(ForkPool.Failure) -> [Int] {
        let pool = try kind.start(job(failsAt: failsAt, isHeld: isHeld), options: .init(chunk: .fixed(1)))
        defer { pool.close() }
        return try pool.map(0..<Self.count, journal: path)
    }

    // MARK: - The file

    func write(_ bytes: [UInt8]) {
        let file = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        defer { close(file) }
        #expect(unsafe Glibc.write(file, bytes, bytes.count) == bytes.count)
    }

    /// Writes the results that are in the journal anew, in records of three items each; returns where each record ends, the
    /// header's end first.
    func divideRecords() throws -> [Int] {
        let file = try OwnedFile(path, writes: true)
        var reader = try JournalReader(file)
        var results: [Int: [UInt8]] = [:]
        try reader.forEach { entry throws(SystemError) in
            for (item, part) in zip(entry.items, entry.parts()!) { results[item] = unsafe Array(entry.bytes[part]) }
        }
        var ends = [reader.header.size]
        try file.truncate(to: ends[0])
        var writer = JournalWriter(file, end: ends[0])
        for first in stride(from: 0, to: Self.count, by: 3) {
            let parts = (first..<first + 3).map { results[$0]! }
            writer.collect(first..<first + 3) { buffer in
                if reader.header.isCoded { for part in parts { buffer.append(little: UInt64(part.count)) } }
                buffer += parts.joined()
            }
            try writer.flush()
            ends.append(writer.end)
        }
        return ends
    }

    /// Which items the journal has.
    var recorded: [Bool] {
        guard let file = try? OwnedFile(path, writes: false), var reader = try? JournalReader(file) else { return [] }
        var recorded = Array(repeating: false, count: reader.header.part.count)
        guard
            unsafe (try? reader.results { items, _ in for item in items { recorded[item] = true } }) != nil
        else { return [] }
        return recorded
    }

    /// Waits until a file is in the folder; false after some seconds.
    func waitForFile(_ name: String) -> Bool {
        for _ in 0..<30_000 {
            if Files.names(in: folder).contains(name) { return true }
            usleep(1000)
        }
        return false
    }

    /// Waits until the last item has begun, and the journal has the results of the others; false after some seconds.
    func waitForLastItem() -> Bool {
        for _ in 0..<30_000 {
            if runs.last! > 0, recorded.count(where: \.self) >= Self.count - 1 { return true }
            usleep(1000)
        }
        return false
    }

    /// Maps again, where the last item alone is not in the journal.
    func expectLastRunsAgain(by kind: Kind) throws {
        #expect(try map(by: kind) == Self.results)
        #expect(runs == Array(repeating: 1, count: Self.count - 1) + [2])
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
        note(input, in: folder)
        if input == failsAt { throw JournalScene.Refused() }
        while isHeld, input == JournalScene.count - 1 { pause() }
        return input * input
    }
}

/// The same to a result that is coded.
struct JournalWordJob: PlainJob {
    typealias Input = Int
    typealias Output = [String]

    let folder: String

    func act(_ input: Int) throws -> [String] {
        note(input, in: folder)
        return Self.result(input)
    }

    /// Results of many sizes, one without any word.
    static func result(_ input: Int) -> [String] { (0..<input % 4).map { "word \($0) of \(input)" } }
}

/// Notes in a file of a folder that an item runs.
func note(_ item: Int, in folder: String) {
    let file = unsafe open(folder + "/runs", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    var byte = UInt8(item)
    _ = unsafe write(file, &byte, 1)
    close(file)
}
