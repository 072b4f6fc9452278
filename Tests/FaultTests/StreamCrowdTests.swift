// SPDX-License-Identifier: Apache-2.0
import ForkPool
import Glibc
import Testing

@Suite struct StreamCrowdTests {
    @Test("Two streams, maps and calls at once on one resident pool are each right")
    func together() async {
        await #expect(processExitsWith: .success) { await StreamCrowdScenes.together() }
    }

    @Test("Two streams that one thread reads in turn are each right")
    func interleaved() async {
        await #expect(processExitsWith: .success) { StreamCrowdScenes.interleaved() }
    }

    @Test("Streams on a resident pool of which a worker crashes at each tenth item are right but for that")
    func crashing() async {
        await #expect(processExitsWith: .success) { await StreamCrowdScenes.crashing() }
    }

    @Test("F8: a stream whose body maps with a pool of its own is right")
    func nested() async {
        await #expect(processExitsWith: .success) { StreamCrowdScenes.nested() }
    }

    @Test("F8: a stream inside the body of a map and of a stream is right")
    func nestedStream() async {
        await #expect(processExitsWith: .success) { StreamCrowdScenes.nestedStream() }
    }

    @Test("F6: streams, maps and calls end, one by one, when their tasks are cancelled at any moment")
    func cancelledAtAnyMoment() async {
        await #expect(processExitsWith: .success) { await StreamCrowdScenes.cancelledAtAnyMoment() }
    }

    @Test("F6: a task group ends when two tasks cancel all its readers at once")
    func cancelledTogether() async {
        await #expect(processExitsWith: .success) { await StreamCrowdScenes.cancelledTogether() }
    }

    @Test("F6: a cancellation handler may end the resident pool that its task waits for")
    func handlerEndsPool() async {
        await #expect(processExitsWith: .success) { await StreamCrowdScenes.handlerEndsPool() }
    }

    @Test("D: a resident pool that is closed or cancelled under a stream ends the stream with a failure")
    func endedUnderStream() async {
        await #expect(processExitsWith: .success) { StreamCrowdScenes.endedUnderStream() }
    }
}

private enum StreamCrowdScenes {
    private static var endless: UnfoldFirstSequence<Int> { sequence(first: 0) { $0 + 1 } }

    static func together() async {
        await Scene.survive { (pool) async throws in
            let resident = try pool.resident { (item: Int) in item * 3 }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for order in [ForkPool.Order.input, .completion] {
                    group.addTask {
                        var seen = Set<Int>()
                        for try await (index, output) in resident.stream(0..<5000, order: order) {
                            #expect(output == index * 3)
                            #expect(seen.insert(index).inserted)
                        }
                        #expect(seen == Set(0..<5000))
                    }
                }
                group.addTask {
                    var read = 0
                    for try await (index, output) in resident.stream(Steps()) {
                        #expect(index == read && output == read * 3)
                        read += 1
                        if read == 2000 { break }
                    }
                }
                group.addTask { () async throws in
                    for _ in 0..<200 { #expect(try await resident.map(0..<20).last == 57) }
                }
                group.addTask { () async throws in
                    for item in 0..<500 { #expect(try await resident(item) == item * 3) }
                }
                try await group.waitForAll()
            }
            await resident.finish()
        }
    }

    static func interleaved() {
        Scene.survive { pool throws in
            let resident = try pool.resident { (item: Int) in item + 1 }
            var first = resident.stream(endless).makeIterator()
            var second = resident.stream(endless, order: .completion).makeIterator()
            var seen = Set<Int>()
            for turn in 0..<2000 {
                let next = first.next()
                let (index, result) = try #require(next)
                #expect(index == turn)
                #expect(try result.get() == turn + 1)
                let nextOther = second.next()
                let (other, value) = try #require(nextOther)
                #expect(try value.get() == other + 1)
                #expect(seen.insert(other).inserted)
                if turn % 100 == 0 { #expect(try resident.map([turn]) == [turn + 1]) }
            }
            resident.close()
        }
    }

    static func crashing() async {
        await Scene.survive { (pool) async throws in
            let resident = try pool.resident { (item: Int) -> String in
                if item % 10 == 7 { abort() }
                return "\(item)"
            }
            await withTaskGroup(of: Void.self) { group in
                for order in [ForkPool.Order.input, .completion] {
                    group.addTask {
                        var seen = Set<Int>()
                        for await (index, result) in resident.stream(0..<300, order: order).results {
                            #expect(seen.insert(index).inserted)
                            if index % 10 == 7 {
                                #expect(result.failure?.code == .crashed)
                                #expect(result.failure?.index == index)
                            } else {
                                #expect(result.value == "\(index)")
                            }
                        }
                        #expect(seen == Set(0..<300))
                    }
                }
            }
            await resident.finish()
        }
    }

    static func nested() {
        Scene.survive { pool throws in
            var rows: [[Int]] = []
            for (index, result) in pool.stream(1...5, { row in try ForkPool(workers: 2).map(1...3) { $0 * row } }) {
                #expect(index == rows.count)
                rows.append(try result.get())
            }
            #expect(rows == [[1, 2, 3], [2, 4, 6], [3, 6, 9], [4, 8, 12], [5, 10, 15]])
            let same = pool.stream(sequence(first: 1) { $0 < 3 ? $0 + 1 : nil }) { row in
                try pool.map(1...3) { column in "\(row)\(column)" }
            }
            var words: [[String]] = []
            for (_, result) in same { words.append(try result.get()) }
            #expect(words == [["11", "12", "13"], ["21", "22", "23"], ["31", "32", "33"]])
        }
    }

    static func nestedStream() {
        Scene.survive { pool throws in
            let sums = try pool.map(1...3) { row in
                var sum = 0
                for (_, result) in ForkPool(workers: 2).stream(1...10, order: .completion, { $0 * row }) {
                    sum += try result.get()
                }
                return sum
            }
            #expect(sums == [55, 110, 165])
            var deep: [Int] = []
            let stream = pool.stream(1...3) { row in
                var sum = 0
                for (index, result) in pool.stream(endless, { $0 * row }) {
                    sum += try result.get()
                    if index == 10 { break }
                }
                return sum
            }
            for (_, result) in stream { deep.append(try result.get()) }
            #expect(deep == [55, 110, 165])
        }
    }

    static func cancelledAtAnyMoment() async {
        await Scene.survive { (pool) async throws in
            let resident = try pool.resident { (item: Int) -> Int in
                // From 0 to some ten microseconds.
                var sum = 0
                for number in 0..<item % 7 * 300 { sum = opaque(sum &+ number) }
                return item * 2
            }
            for round in 0..<600 {
                let task = Task {
                    switch round % 4 {
                    case 0: for try await (index, output) in resident.stream(endless) { #expect(output == index * 2) }
                    case 1:
                        for try await (index, output) in resident.stream(Steps(), order: .completion) {
                            #expect(output == index * 2)
                        }
                    case 2: while true { _ = try await resident.map(0..<50) }
                    default: while true { #expect(try await resident(4) == 8) }
                    }
                }
                for _ in 0..<round % 50 { await Task.yield() }
                task.cancel()
                if case .failure(let error as ForkPool.Failure) = await task.result {
                    #expect(error.code == .cancelled, "\(error)")
                } else {
                    Issue.record("it was not cancelled")
                }
            }
            #expect(try await resident.map(0..<5) == [0, 2, 4, 6, 8])
            await resident.finish()
        }
    }

    static func cancelledTogether() async {
        await Scene.survive { (pool) async throws in
            let resident = try pool.resident { (item: Int) in item * 2 }
            for round in 0..<40 {
                let readers = (0..<6).map { number in
                    Task {
                        if number % 2 == 0 {
                            for try await (index, output) in resident.stream(endless) { #expect(output == index * 2) }
                        } else {
                            while true { _ = try await resident.map(0..<10) }
                        }
                    }
                }
                for _ in 0..<round % 20 { await Task.yield() }
                await withTaskGroup(of: Void.self) { group in
                    group.addTask { for reader in readers { reader.cancel() } }
                    group.addTask { for reader in readers.reversed() { reader.cancel() } }
                }
                for reader in readers {
                    guard case .failure(let error as ForkPool.Failure) = await reader.result else {
                        Issue.record("it was not cancelled")
                        continue
                    }
                    #expect(error.code == .cancelled, "\(error)")
                }
            }
            #expect(try await resident.map(0..<5) == [0, 2, 4, 6, 8])
            await resident.finish()
        }
    }

    static func handlerEndsPool() async {
        await Scene.survive { (pool) async throws in
            for closes in [true, false] {
                for round in 0..<20 {
                    let resident = try pool.resident { (item: Int) in item * 2 }
                    let task = Task {
                        try await withTaskCancellationHandler {
                            for try await (index, output) in resident.stream(endless) { #expect(output == index * 2) }
                        } onCancel: {
                            if closes { resident.close() } else { resident.cancel() }
                        }
                    }
                    for _ in 0..<round { await Task.yield() }
                    task.cancel()
                    if case .failure(let error as ForkPool.Failure) = await task.result {
                        #expect([.cancelled, .closed].contains(error.code), "\(error)")
                    } else {
                        Issue.record("it was not cancelled")
                    }
                    await resident.finish()
                }
            }
        }
    }

    static func endedUnderStream() {
        Scene.survive { pool throws in
            for closes in [true, false] {
                let resident = try pool.resident { (item: Int) in item * 2 }
                var (elements, read) = (0, 0)
                var last: ForkPool.Failure?
                for (index, result) in resident.stream(endless) {
                    #expect(index == elements)
                    elements += 1
                    switch result {
                    case .success(let output):
                        // cancel() fails items below ones that are done, so results may follow a failure.
                        #expect(last == nil || !closes)
                        #expect(output == index * 2)
                        read += 1
                        if read == 100 { if closes { resident.close() } else { resident.cancel() } }
                    case .failure(let failure):
                        #expect([.closed, .cancelled].contains(failure.code), "\(failure)")
                        last = failure
                    }
                }
                #expect(read >= 100)
                #expect(last?.code == .closed)
            }
        }
    }
}
