// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc
import Testing

@testable import ForkPool

/// What happens to the file of a journal.
@Suite("The files of journals") struct JournalFileTests {
    /// Calls `check` with a whole journal and the ends of its records, and with a map that checks the results.
    private static func withDividedJournal<J: PlainJob>(
        _ kind: Kind, _ job: (JournalScene) -> J, _ expected: [J.Output],
        _ check: (JournalScene, _ whole: [UInt8], _ ends: [Int], _ map: () throws(ForkPool.Failure) -> Bool) throws ->
            Void
    ) where J.Input == Int, J.Output: Equatable {
        JournalScene.run(kind, job: job) { scene, pool throws in
            _ = try pool.map(0..<JournalScene.count, journal: scene.path)
            let ends = try scene.divideRecords()
            try check(scene, Files.bytes(scene.path), ends) { () throws(ForkPool.Failure) in
                scene.forgetRuns()
                return try pool.map(0..<JournalScene.count, journal: scene.path) == expected
            }
        }
    }

    /// How often each item is to run if those of some records are lost.
    private static func runs(_ isLost: (_ record: Int) -> Bool) -> [Int] {
        (0..<JournalScene.count).map { isLost($0 / 3) ? 1 : 0 }
    }

    @Test("H2: what is torn off a journal's end runs again, and nothing else", arguments: Kind.allCases)
    func torn(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            JournalFileTests.tearOff(kind, { $0.job() }, JournalScene.results)
            JournalFileTests.tearOff(
                kind, { JournalWordJob(folder: $0.folder) }, (0..<JournalScene.count).map(JournalWordJob.result))
        }
    }

    private static func tearOff<J: PlainJob>(_ kind: Kind, _ job: (JournalScene) -> J, _ expected: [J.Output])
    where J.Input == Int, J.Output: Equatable {
        withDividedJournal(kind, job, expected) { scene, whole, ends, map throws in
            for size in 0...whole.count {
                scene.write(Array(whole[..<size]))
                #expect(try map(), "cut to \(size) of \(whole.count) bytes")
                #expect(scene.runs == runs { ends[$0 + 1] > size }, "cut to \(size) of \(whole.count) bytes")
                #expect(scene.recorded.allSatisfy { $0 })
            }
        }
    }

    @Test(
        "H2: a byte that is changed costs its record, or has the file refused and not changed", arguments: Kind.allCases
    )
    func damaged(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            JournalFileTests.damage(kind, { $0.job() }, JournalScene.results)
            JournalFileTests.damage(
                kind, { JournalWordJob(folder: $0.folder) }, (0..<JournalScene.count).map(JournalWordJob.result))
        }
    }

    private static func damage<J: PlainJob>(_ kind: Kind, _ job: (JournalScene) -> J, _ expected: [J.Output])
    where J.Input == Int, J.Output: Equatable {
        withDividedJournal(kind, job, expected) { scene, whole, ends, map throws in
            for index in whole.indices {
                var bytes = whole
                bytes[index] ^= UInt8(1 << (index % 8))
                scene.write(bytes)
                do throws(ForkPool.Failure) {
                    #expect(try map(), "byte \(index)")
                    #expect(scene.runs == runs { (ends[$0]..<ends[$0 + 1]).contains(index) }, "byte \(index)")
                } catch {
                    #expect(index < ends[0] && error.code == .journalFailed, "byte \(index): \(error)")
                    #expect(Files.bytes(scene.path) == bytes, "a refused file is not changed")
                }
            }
        }
    }

    @Test("H2: a hole in a journal costs what it had, and a result that looks like a record is none")
    func holes() async {
        await #expect(processExitsWith: .success) {
            JournalFileTests.withDividedJournal(.residentBody, { $0.job() }, JournalScene.results) {
                scene, whole, ends, map throws in
                // Zeros, as a file system may leave them when a host loses its power.
                var bytes = whole
                bytes.replaceSubrange(ends[1]..<ends[3] - 1, with: repeatElement(0, count: ends[3] - 1 - ends[1]))
                scene.write(bytes)
                #expect(try map())
                #expect(scene.runs == JournalFileTests.runs { $0 == 1 || $0 == 2 })
                // The first record once more, where the third one was: it is not at its place.
                scene.write(Array(whole[..<ends[2]] + whole[ends[0]..<ends[1]] + whole[ends[3]...]))
                #expect(try map())
                #expect(scene.runs == JournalFileTests.runs { $0 == 2 })
            }
        }
    }

    @Test(
        "H2: a hole of terabytes behind a journal is dropped, and one before a record costs nothing",
        arguments: Kind.allCases)
    func largeHoles(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            JournalFileTests.withDividedJournal(kind, { $0.job() }, JournalScene.results) {
                scene, whole, ends, map throws in
                let file = try OwnedFile(scene.path, writes: true)
                try file.truncate(to: 1 << 43)
                #expect(try map())
                #expect(scene.runs == JournalFileTests.runs { _ in false })
                #expect(Files.bytes(scene.path) == whole)
                // The results of three items, far behind all others.
                try file.truncate(to: ends[3])
                let record = JournalRecord(
                    first: 9, count: 3, length: 24, sum: CRC32C.of(whole[(ends[3] + JournalRecord.size)...]))
                try file.write(record.encoded(at: 1 << 42) + whole[(ends[3] + JournalRecord.size)...], at: 1 << 42)
                #expect(try map())
                #expect(scene.runs == JournalFileTests.runs { _ in false })
            }
        }
    }

    @Test("H2: a result for which there is no memory is a failure with what to do", arguments: Kind.allCases)
    func noMemory(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            JournalScene.run(kind, job: { JournalWordJob(folder: $0.folder) }) { scene, pool throws in
                _ = try pool.map(0..<JournalScene.count, journal: scene.path)
                scene.forgetRuns()
                let end = Files.bytes(scene.path).count
                let record = JournalRecord(first: 0, count: 1, length: 1 << 42, sum: 0)
                let file = try OwnedFile(scene.path, writes: true)
                try file.write(record.encoded(at: end), at: end)
                try file.truncate(to: 1 << 43)
                var limit = rlimit(rlim_cur: 1 << 42, rlim_max: 1 << 42)
                #expect(unsafe setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0)
                JournalRefusalTests.expect("free memory, and run the same map again") { () throws(ForkPool.Failure) in
                    try pool.map(0..<JournalScene.count, journal: scene.path)
                }
                JournalRefusalTests.expect("free memory, and run the same map again") { () throws(ForkPool.Failure) in
                    try ForkPool.merge(journals: [scene.path], as: [String].self)
                }
                #expect(scene.runs.reduce(0, +) == 0)
            }
        }
    }

    @Test(
        "H3: a full disk costs the journal alone, which goes on when there is room",
        .enabled(if: Fault.isAvailable), arguments: Kind.allCases)
    func fullDisk(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            JournalScene.run(kind) { scene, pool throws in
                let heard = Locked<[ForkPool.Failure]>([])
                // The header of the journal is there.
                _ = pool.mapResults(0..<0, journal: scene.path)
                unsafe unlink(scene.path)
                Fault(call: "pwrite", role: .parent, first: 2, times: 1000, error: ENOSPC).begin()
                let results = try pool.map(
                    0..<JournalScene.count, journal: scene.path,
                    onFailure: { failure in heard.withLock { $0.append(failure) } })
                Fault.end()
                #expect(results == JournalScene.results)
                let failures = heard.withLock { $0 }
                #expect(failures.count == 1)
                #expect(failures.first?.errno == ENOSPC)
                #expect(failures.first?.message.contains(scene.path) == true)
                #expect(scene.recorded == Array(repeating: false, count: JournalScene.count))
                scene.forgetRuns()
                #expect(try pool.map(0..<JournalScene.count, journal: scene.path) == JournalScene.results)
                #expect(scene.runs == Array(repeating: 1, count: JournalScene.count))
                #expect(scene.recorded.allSatisfy { $0 })
            }
        }
    }

    @Test("H3: a limit on the size of files costs the journal alone", arguments: Kind.allCases)
    func fileSizeLimit(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            JournalScene.run(kind) { scene, pool throws in
                _ = try pool.map(0..<JournalScene.count, journal: scene.path)
                // There is room for the header and the half of a record.
                var limit = rlimit(rlim_cur: UInt(try scene.divideRecords()[0]) + 20, rlim_max: 1 << 40)
                unsafe unlink(scene.path)
                #expect(unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
                let heard = Locked(0)
                let results = try pool.map(
                    0..<JournalScene.count, journal: scene.path,
                    onFailure: { failure in heard.withLock { $0 = Int(failure.errno ?? 0) } })
                #expect(results == JournalScene.results)
                #expect(heard.withLock { $0 } == Int(EFBIG))
            }
        }
    }

    @Test(
        "H4: what happens to the file while it is used costs the journal at most, and is told",
        arguments: Kind.allCases, FileDeed.allCases)
    func changed(_ kind: Kind, _ deed: FileDeed) async {
        await #expect(processExitsWith: .success) { [kind, deed] in
            JournalScene.run(
                kind, options: .init(chunk: .fixed(1)), job: { JournalTampering(folder: $0.folder, deed: deed) }
            ) { scene, pool throws in
                let heard = Locked<[String]>([])
                if deed.needsLink {
                    scene.write([])
                    #expect(unsafe link(scene.path, scene.folder + "/other") == 0)
                }
                // The first item changes the file before its result is there: the parent writes to it after that.
                let results = try pool.map(
                    0..<3, journal: scene.path,
                    onFailure: { failure in heard.withLock { $0.append(failure.message) } })
                #expect(results == [0, 1, 2])
                let messages = heard.withLock { $0 }
                #expect(messages.count == (deed.words == nil ? 0 : 1), "\(messages)")
                if let words = deed.words { #expect(messages.first?.contains(words) == true, "\(messages)") }
                switch deed {
                case .cut: #expect(Files.bytes(scene.path).count == 10)
                case .delete, .deleteOfTwo: #expect(Files.bytes(scene.path).isEmpty)
                case .deleteOther: #expect(try ForkPool.merge(journals: [scene.path], as: Int.self) == [0, 1, 2])
                case .replace: #expect(Files.text(scene.path) == "A letter.")
                case .rename:
                    #expect(try ForkPool.merge(journals: [scene.folder + "/other"], as: Int.self) == [0, 1, 2])
                }
            }
        }
    }
}

/// What a test does to a journal that is in use.
enum FileDeed: String, CaseIterable, Codable, Sendable {
    case cut
    case delete
    case replace
    case rename
    /// Deletes one of two names that it has: its own, or the other one.
    case deleteOfTwo
    case deleteOther

    /// What the failure says; nil if there is none.
    var words: String? {
        switch self {
        case .cut: "made it 10 bytes long"
        case .delete, .replace, .deleteOfTwo: "deleted it, or put another file in its place"
        case .rename, .deleteOther: nil
        }
    }

    var needsLink: Bool { self == .deleteOfTwo || self == .deleteOther }
}

/// Changes the journal at its first item.
struct JournalTampering: PlainJob {
    typealias Input = Int
    typealias Output = Int

    let folder: String
    let deed: FileDeed

    func act(_ input: Int) throws -> Int {
        guard input == 0 else { return input }
        let (path, other) = (folder + "/journal", folder + "/other")
        let result: Int32
        switch deed {
        case .cut: result = unsafe truncate(path, 10)
        case .delete, .deleteOfTwo: result = unsafe unlink(path)
        case .deleteOther: result = unsafe unlink(other)
        case .rename: result = unsafe rename(path, other)
        case .replace:
            let file = unsafe open(other, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
            var letter = Array("A letter.".utf8)
            guard unsafe write(file, &letter, letter.count) == letter.count else { throw JournalScene.Refused() }
            close(file)
            result = unsafe rename(other, path)
        }
        guard result == 0 else { throw JournalScene.Refused() }
        return input
    }
}
