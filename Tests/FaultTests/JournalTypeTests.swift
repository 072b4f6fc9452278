// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc
import Testing

@testable import ForkPool

/// Journals know types by their names, and codings by what wrote the results.
@Suite("Types in journals") struct JournalTypeTests {
    @Test("private and local types have the same names in two processes, so the second runs nothing again")
    func hiddenTypes() async {
        let folder = Files.makeFolder()
        for run in 1...2 {
            await #expect(processExitsWith: .success) { [folder = folder as String, run = run as Int] in
                JournalTypeScenes.map(in: folder, run)
            }
        }
        for name in ["hidden", "bits", "local"] { unsafe unlink(folder + "/" + name) }
        unsafe rmdir(folder)
    }

    @Test("an address is left out of a name, and nothing else")
    func addresses() {
        #expect(ResultKind.withoutAddresses("1p13$5636ec84dca0yXZ4PrivV") == "1p13$yXZ4PrivV")
        #expect(ResultKind.withoutAddresses("p.(unknown context at $562834d9637c).P") == "p.(unknown context at $).P")
        for name in ["SaySiG", "4main3abcV", ""] { #expect(ResultKind.withoutAddresses(name) == name) }
    }

    @Test("results of a job that are bits merge, whether they were coded or not")
    func merge() async {
        await #expect(processExitsWith: .success) { JournalTypeScenes.merge() }
    }

    @Test("neighbours that a journal lacks run on several workers at once")
    func neighbours() async {
        await #expect(processExitsWith: .success) { JournalTypeScenes.neighbours() }
    }

    @Test("a journal that cannot be written, with standard error that nothing reads, ends no process")
    func closedErrors() async {
        await #expect(processExitsWith: .success) { JournalTypeScenes.closedErrors() }
    }
}

private struct Hidden: Codable, Equatable {
    var text: String
}

private struct Bits: BitwiseCopyable {
    var number: Double
}

/// A point, whose bytes are its value.
private struct Point: Codable, Equatable {
    var x: Double
    var y: Double
}

private struct PointJob: ForkPool.Job {
    func run(_ item: Int) -> Point { Point(x: Double(item), y: -Double(item)) }
}

private enum JournalTypeScenes {
    static func map(in folder: String, _ run: Int) {
        struct Local: Codable, Equatable {
            var item: Int
        }
        Scene.run {
            let (pool, runs) = (ForkPool(workers: 2), SharedCounter())
            let hidden = try pool.map(0..<20, journal: folder + "/hidden") { (item: Int) -> Hidden in
                runs.add()
                return Hidden(text: "\(item)")
            }
            #expect(hidden == (0..<20).map { Hidden(text: "\($0)") })
            let bits = try pool.map(0..<20, journal: folder + "/bits") { (item: Int) -> Bits in
                runs.add()
                return Bits(number: Double(item))
            }
            #expect(bits.map(\.number) == (0..<20).map(Double.init))
            let local = try pool.map(0..<20, journal: folder + "/local") { (item: Int) -> Local in
                runs.add()
                return Local(item: item)
            }
            #expect(local == (0..<20).map { Local(item: $0) })
            #expect(runs.value == (run == 1 ? 60 : 0))
        }
    }

    static func merge() {
        JournalScene.run { scene throws in
            let paths = (0..<2).map { scene.folder + "/\($0).journal" }
            let pool = try ForkPool(workers: 2).resident(PointJob(), start: .fork)
            for index in 0..<2 {
                _ = try pool.map(0..<10, shard: ForkPool.Shard(index: index, count: 2), journal: paths[index])
            }
            pool.close()
            let whole = try ForkPool.merge(journals: paths, as: Point.self)
            #expect(whole == (0..<10).map { Point(x: Double($0), y: -Double($0)) })
        }
    }

    static func neighbours() {
        JournalScene.run { scene throws in
            let (path, lacking) = (scene.path, 5000..<5008)
            let first = ForkPool(workers: 2).mapResults(0..<10_000, journal: path) { (item: Int) throws -> Int in
                if lacking.contains(item) { throw JournalScene.Refused() }
                return item
            }
            #expect(first.compactMap(\.value).count == 10_000 - lacking.count)
            let meeting = Rendezvous()
            let place = meeting.path
            // Two of them meet: one after the other they would wait for ever.
            let pool = ForkPool(workers: 2, options: .init(itemsPerWorker: 8))
            let runs = SharedCounter()
            let results = try pool.map(0..<10_000, journal: path) { (item: Int) -> Int in
                runs.add()
                Rendezvous.arrive(at: place)
                Rendezvous.waitForArrivals(2, at: place)
                return item
            }
            #expect(results == Array(0..<10_000) && runs.value == lacking.count)
        }
    }

    static func closedErrors() {
        JournalScene.run { scene throws in
            var ends: [Int32] = [0, 0]
            _ = unsafe pipe(&ends)
            let before = dup(STDERR_FILENO)
            dup2(ends[1], STDERR_FILENO)
            close(ends[0])
            close(ends[1])
            var limit = rlimit(rlim_cur: 1024, rlim_max: .max)
            #expect(unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
            let results = try ForkPool(workers: 2).map(0..<1000, journal: scene.path) { (item: Int) -> Int in item }
            // Others write there too.
            dup2(before, STDERR_FILENO)
            #expect(results == Array(0..<1000))
        }
    }
}
