// SPDX-License-Identifier: Apache-2.0
import ForkPool
import Glibc
import Testing

@Suite("A map in async code")
struct MapAsyncTests {
    @Test("fails as cancelled in a task that was cancelled before it")
    func before() async {
        await #expect(processExitsWith: .success) {
            await Alone.runAsync { () async throws in
                let pool = ForkPool(workers: 2)
                let task = Task {
                    unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
                    return try await pool.map(0..<4) { $0 }
                }
                await expectCancelled(task)
                #expect(Alone.hasNoChild)
                #expect(try await pool.map(0..<4) { $0 } == [0, 1, 2, 3])
            }
        }
    }

    @Test("fails as cancelled when its task is cancelled in the middle, and leaves no worker")
    func during() async {
        await #expect(processExitsWith: .success) {
            await Alone.runAsync { () async throws in
                let pool = ForkPool(workers: 2, options: .init(chunk: .fixed(1)))
                let begun = SharedCounter()
                let task = Task {
                    try await pool.map(0..<4) { _ -> Int in
                        begun.add()
                        Alone.waitForEver()
                    }
                }
                while begun.value < 2 { await Task.yield() }
                task.cancel()
                await expectCancelled(task)
                #expect(begun.value == 2)
                #expect(Alone.hasNoChild)
                #expect(try await pool.map(0..<4) { "\($0)" } == ["0", "1", "2", "3"])
            }
        }
    }

    @Test("reports in mapResults each unfinished item as cancelled")
    func outcomesOfCancelled() async {
        await #expect(processExitsWith: .success) {
            await Alone.runAsync {
                let pool = ForkPool(workers: 1, options: .init(chunk: .fixed(1)))
                let begun = SharedCounter()
                let task = Task {
                    await pool.mapResults(0..<4) { item in
                        begun.add()
                        if item == 2 { Alone.waitForEver() }
                        return item * 5
                    }
                }
                while begun.value < 3 { await Task.yield() }
                task.cancel()
                let results = await task.value
                #expect(results.map { try? $0.get() } == [0, 5, nil, nil])
                for (index, result) in results.enumerated().dropFirst(2) {
                    guard case .failure(let failure) = result else { continue }
                    #expect(failure.code == .cancelled && failure.index == index)
                    #expect(failure.description == "item \(index) was cancelled")
                }
            }
        }
    }

    @Test("keeps its results when its task is cancelled after its end")
    func after() async {
        await #expect(processExitsWith: .success) {
            await Alone.runAsync { () async throws in
                let pool = ForkPool(workers: 2)
                let task = Task {
                    let results = try await pool.map(0..<4) { $0 + 1 }
                    unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
                    return results
                }
                #expect(try await task.value == [1, 2, 3, 4])
            }
        }
    }

    @Test("shares its pool with many others at once")
    func manyTasks() async {
        await #expect(processExitsWith: .success) {
            await Alone.runAsync {
                let pool = ForkPool(workers: 2)
                // The runtime's first-use work is over before the tasks begin.
                _ = try await pool.map(0..<3) { $0 * 10 }
                let sums = try await withThrowingTaskGroup(of: (Int, [Int]).self) { group in
                    for number in 0..<50 {
                        group.addTask { (number, try await pool.map(0..<3) { number * 10 + $0 }) }
                    }
                    return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
                }
                #expect(sums.count == 50)
                #expect(sums[0] == [0, 1, 2])
                #expect(sums[49] == [490, 491, 492])
                for (number, sum) in sums { #expect(sum == [number * 10, number * 10 + 1, number * 10 + 2]) }
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("captures what is not Sendable on the main actor, and leaves that actor free")
    func mainActor() async {
        await #expect(processExitsWith: .success) {
            alarm(Alone.deadline)
            await MainScenes.captures()
            await MainScenes.leavesActorFree()
        }
    }

    @Test("captures the state of an actor in its method")
    func ownActor() async {
        await #expect(processExitsWith: .success) {
            await Alone.runAsync { () async throws in
                #expect(try await Scaler(factor: 7).scaled([1, 2, 3]) == [7, 14, 21])
            }
        }
    }

    @Test("throws a failure by its type")
    func typedThrow() async {
        await #expect(processExitsWith: .success) {
            await Alone.runAsync {
                do throws(ForkPool.Failure) {
                    _ = try await ForkPool(workers: 2).map(0..<9) { if $0 == 6 { throw Wrong() } else { return $0 } }
                    Issue.record("nothing was thrown")
                } catch {
                    #expect(error.index == 6 && error.code == .thrown)
                    #expect(error.thrown?.decode(as: Wrong.self) != nil)
                }
            }
        }
    }
}

private struct Wrong: Error, Codable {}

/// State that no other isolation may touch.
private final class Tally {
    var factor = 3
}

private actor Scaler {
    private let tally = Tally()

    init(factor: Int) {
        tally.factor = factor
    }

    func scaled(_ numbers: [Int]) async throws -> [Int] {
        let pool = ForkPool(workers: 2)
        return try await pool.map(numbers) { $0 * self.tally.factor }
    }
}

@MainActor
private enum MainScenes {
    static func captures() async {
        let tally = Tally()
        let pool = ForkPool(workers: 2)
        do throws(ForkPool.Failure) {
            #expect(try await pool.map([1, 2, 3]) { $0 * tally.factor } == [3, 6, 9])
            MainActor.assertIsolated()
            #expect(try await pool.map(["a"]) { $0 + "\(tally.factor)" } == ["a3"])
            try await pool.forEach([1]) { tally.factor += $0 }
            let filled = try await pool.fill(count: 2, slot: 1, of: Int.self) { i, out in out[0] = tally.factor + i }
            #expect(Array(filled) == [3, 4])
        } catch {
            Issue.record(error)
        }
        let results = await pool.mapResults([2]) { $0 * tally.factor }
        #expect(results.map { try? $0.get() } == [6])
        #expect(tally.factor == 3)
    }

    /// A worker waits for something that the main actor does meanwhile.
    static func leavesActorFree() async {
        let asked = SharedCounter()
        let answered = SharedCounter()
        let pool = ForkPool(workers: 1)
        let other = Task { @MainActor in
            while asked.value == 0 { await Task.yield() }
            answered.add()
        }
        do throws(ForkPool.Failure) {
            let results = try await pool.map([1]) {
                asked.add()
                while answered.value == 0 { sched_yield() }
                return $0
            }
            #expect(results == [1])
        } catch {
            Issue.record(error)
        }
        await other.value
    }
}

private func expectCancelled<T: Sendable>(_ task: Task<T, any Error>) async {
    switch await task.result {
    case .success: Issue.record("the map was not cancelled")
    case .failure(let error):
        let failure = error as? ForkPool.Failure
        #expect(failure?.code == .cancelled)
        #expect(failure?.index == nil)
        #expect(failure?.description == "the map was cancelled")
    }
}
