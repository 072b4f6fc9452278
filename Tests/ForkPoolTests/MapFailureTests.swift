// SPDX-License-Identifier: Apache-2.0
import ForkPool
import Glibc
import Testing

@Suite("A map that fails")
struct MapFailureTests {
    @Test("throws the failure of the lowest index, and no other type")
    func lowest() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                for chunk in [ForkPool.Options.Chunk.automatic, .fixed(1), .fixed(5), .fixed(100)] {
                    let pool = ForkPool(workers: 3, options: .init(chunk: chunk))
                    do throws(ForkPool.Failure) {
                        _ = try pool.map(0..<100) { item throws -> Int in
                            if item == 63 || item == 17 || item == 40 { throw Wrong(item: item) }
                            return item
                        }
                        Issue.record("nothing was thrown")
                    } catch {
                        #expect(error.index == 17)
                        #expect(error.code == .thrown)
                        #expect(error.bodyRan == .yes)
                        #expect(error.attempt == 1)
                        #expect(error.pid ?? 0 > 0)
                        #expect(error.thrown?.decode(as: Wrong.self) == Wrong(item: 17))
                        #expect(error.description == "item 17 threw Wrong: Wrong(item: 17)")
                    }
                }
            }
        }
    }

    @Test("throws the lowest of ends of different kinds")
    func lowestOfKinds() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                let pool = ForkPool(workers: 3, options: .init(chunk: .fixed(2)))
                func thrown(_ ends: [Int: End]) -> ForkPool.Failure? {
                    do throws(ForkPool.Failure) {
                        _ = try pool.map(0..<60) { item in
                            try ends[item]?.happen(on: item)
                            return "\(item)"
                        }
                        return nil
                    } catch {
                        return error
                    }
                }
                #expect(thrown([20: .error, 30: .exit, 40: .kill])?.code == .thrown)
                let exited = thrown([20: .exit, 21: .error, 40: .kill])
                #expect(exited?.code == .exited && exited?.exitStatus == 5 && exited?.index == 20)
                let killed = thrown([19: .kill, 20: .exit, 21: .error])
                #expect(killed?.code == .killed && killed?.signal == 9 && killed?.index == 19)
                #expect(thrown([:]) == nil)
            }
        }
    }

    @Test("has run every item below the failing one, and nothing far above")
    func below() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                let pool = ForkPool(workers: 3, options: .init(chunk: .fixed(1)))
                let begun = SharedArray<UInt8>(count: 1000)
                let failing = SharedCounter()
                let finished = SharedCounter()
                do throws(ForkPool.Failure) {
                    try pool.forEach(0..<1000) { item in
                        begun[item] += 1
                        // When item 5 fails, item 2 is still at work, and item 6 never ends by itself.
                        if item == 5 {
                            while begun[6] == 0 { sched_yield() }
                            failing.add()
                            throw Wrong(item: 5)
                        }
                        if item == 2 { while failing.value == 0 { sched_yield() } }
                        if item > 5 { Alone.waitForEver() }
                        finished.add()
                    }
                    Issue.record("nothing was thrown")
                } catch {
                    #expect(error.index == 5)
                }
                #expect(begun[..<6].allSatisfy { $0 == 1 })
                #expect(finished.value == 5)
                #expect(begun[6...].count { $0 != 0 } <= 2)
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("throws a lower failure that comes after a higher one")
    func lowerComesLater() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                let pool = ForkPool(workers: 2, options: .init(chunk: .fixed(1)))
                let failing = SharedCounter()
                do throws(ForkPool.Failure) {
                    _ = try pool.map(0..<50) { item throws -> Int in
                        if item == 3 {
                            while failing.value == 0 { sched_yield() }
                            throw Wrong(item: 3)
                        }
                        if item == 7 {
                            failing.add()
                            throw Wrong(item: 7)
                        }
                        return item
                    }
                    Issue.record("nothing was thrown")
                } catch {
                    #expect(error.index == 3)
                }
            }
        }
    }

    @Test("fails in forEach, fill and withMapped alike, and reads nothing")
    func everyMethod() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let pool = ForkPool(workers: 2)
                func isOfItem4(_ error: any Error) -> Bool { (error as? ForkPool.Failure)?.index == 4 }
                #expect { try pool.forEach(0..<9) { if $0 == 4 { throw Wrong(item: 4) } } } throws: { isOfItem4($0) }
                #expect {
                    try pool.fill(count: 9, slot: 2, of: Int.self) { i, _ in if i == 4 { throw Wrong(item: 4) } }
                } throws: {
                    isOfItem4($0)
                }
                #expect {
                    try pool.withMapped(0..<9) {
                        if $0 == 4 { throw Wrong(item: 4) } else { return $0 }
                    } read: {
                        Issue.record("read \($0.count) results")
                    }
                } throws: {
                    isOfItem4($0)
                }
                #expect(throws: Wrong(item: 8)) {
                    try pool.withMapped(0..<9, { $0 }) { (_: Span<Int>) in throw Wrong(item: 8) }
                }
                #expect(try pool.map([1]) { $0 } == [1])
            }
        }
    }

    @Test("costs no other item in mapResults")
    func everyOutcome() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                for chunk in [ForkPool.Options.Chunk.automatic, .fixed(1), .fixed(8)] {
                    let pool = ForkPool(workers: 2, options: .init(chunk: chunk))
                    let ends: [Int: End] = [0: .kill, 7: .error, 8: .exit, 15: .error, 16: .kill, 29: .exit]
                    let results = pool.mapResults(0..<30) { item in
                        try ends[item]?.happen(on: item)
                        return "\(item)"
                    }
                    let failed = results.indices.filter { (try? results[$0].get()) == nil }
                    #expect(failed == [0, 7, 8, 15, 16, 29])
                    #expect(try results[28].get() == "28")
                }
            }
        }
    }
}

private struct Wrong: Error, Codable, Equatable {
    var item: Int
}

/// How an item ends other than by a result.
private enum End {
    case error
    case exit
    case kill

    func happen(on item: Int) throws {
        switch self {
        case .error: throw Wrong(item: item)
        case .exit: Glibc.exit(5)
        case .kill: Glibc.kill(getpid(), SIGKILL)
        }
    }
}
