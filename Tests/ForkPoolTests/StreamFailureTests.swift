// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import ForkPool

@Suite("A failure in a stream")
struct StreamFailureTests {
    @Test("is an element of the sequence, with its index, and costs its item alone", arguments: [true, false])
    func elements(_ inOrder: Bool) async {
        await #expect(processExitsWith: .success) { [inOrder] in
            Alone.run { () throws in
                let pool = ForkPool(workers: 2)
                let order: ForkPool.Order = inOrder ? .input : .completion
                for window in [nil, 1, 3] {
                    StreamOutcomes.check(
                        try Drain.outcomes(pool.stream(0..<40, order: order, window: window, StreamOutcomes.plain)))
                    StreamOutcomes.check(
                        try Drain.outcomes(
                            pool.stream(Pulls().first(40), order: order, window: window, StreamOutcomes.coded)))
                    let resident = try pool.resident(StreamOutcomes.plain)
                    StreamOutcomes.check(try Drain.outcomes(resident.stream(0..<40, order: order, window: window)))
                    #expect(try resident.map([0, 1]) == [0, 10])
                    resident.close()
                    #expect(Alone.hasNoChild)
                }
            }
        }
    }

    @Test("is an element of the results in async code, and the sequence goes on")
    func results() async {
        await #expect(processExitsWith: .success) {
            await Alone.runAsync {
                for order in [ForkPool.Order.input, .completion] {
                    var outcomes: [Int: Result<Int, ForkPool.Failure>] = [:]
                    for await (index, result) in ForkPool(workers: 2).stream(0..<40, order: order, StreamOutcomes.plain)
                        .results
                    {
                        #expect(outcomes.updateValue(result, forKey: index) == nil)
                    }
                    StreamOutcomes.check(outcomes)
                    outcomes = [:]
                    let source = Pulls().firstAsync(40)
                    for await (index, result) in ForkPool(workers: 2).stream(source, order: order, StreamOutcomes.plain)
                        .results
                    {
                        #expect(outcomes.updateValue(result, forKey: index) == nil)
                    }
                    StreamOutcomes.check(outcomes)
                    #expect(Alone.hasNoChild)
                }
            }
        }
    }

    @Test("is thrown to a loop of async code and to forEach, and ends the rest", arguments: [5, 10, 15, 20])
    func thrown(_ item: Int) async {
        await #expect(processExitsWith: .success) { [item] in
            await Alone.runAsync {
                var read = 0
                do throws(ForkPool.Failure) {
                    for try await (index, output) in ForkPool(workers: 2).stream(0..<40, StreamOutcomes.alone(item)) {
                        #expect(output == index * 10)
                        read += 1
                    }
                    Issue.record("nothing was thrown")
                } catch {
                    #expect(error.index == item)
                    #expect(error.code == StreamOutcomes.code(of: item))
                }
                #expect(read == item)
                #expect(Alone.hasNoChild)
            }
            Alone.run {
                var read = 0
                do {
                    try ForkPool(workers: 2).stream(0..<40, StreamOutcomes.alone(item)).forEach { index, output in
                        #expect(output == index * 10)
                        read += 1
                    }
                    Issue.record("nothing was thrown")
                } catch {
                    let failure = error as? ForkPool.Failure
                    #expect(failure?.index == item)
                    #expect(failure?.code == StreamOutcomes.code(of: item))
                }
                #expect(read == item)
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("has the error's own description, even if that takes long")
    func words() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                for order in [ForkPool.Order.input, .completion] {
                    let stream = ForkPool(workers: 2).stream(0..<20, order: order) { item in
                        if item % 2 == 0 { throw Slow() }
                        return item
                    }
                    for (index, result) in stream where index % 2 == 0 {
                        #expect(
                            StreamOutcomes.failure(result)?.description.contains("words at last") == true, "\(result)")
                    }
                }
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("of the reader's own in forEach is thrown as it is, and ends the rest")
    func readersOwn() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                #expect(throws: StreamOutcomes.Wrong(number: 7)) {
                    try ForkPool(workers: 2).stream(sequence(first: 0) { $0 + 1 }) { $0 }.forEach { index, _ in
                        if index == 7 { throw StreamOutcomes.Wrong(number: 7) }
                    }
                }
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("is what a stream of a closed or cancelled pool gives, once, without asking the workers")
    func closed() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                for closes in [true, false] {
                    let resident = try ForkPool(workers: 2).resident { (x: Int) in x }
                    if closes { resident.close() } else { resident.cancel() }
                    let outcomes = try Drain.outcomes(resident.stream(0..<9))
                    #expect(outcomes.count == 1)
                    #expect(StreamOutcomes.failure(outcomes[0])?.code == .closed)
                    #expect(StreamOutcomes.failure(outcomes[0])?.index == 0)
                    #expect(try Drain.outcomes(resident.stream([Int]())).isEmpty)
                }
            }
            await Alone.runAsync { () async throws in
                let resident = try ForkPool(workers: 2).resident { (x: Int) in x }
                await resident.finish()
                var outcomes: [Result<Int, ForkPool.Failure>] = []
                for await (_, result) in resident.stream(Sources.numbers(9)).results { outcomes.append(result) }
                #expect(outcomes.count == 1)
                #expect(StreamOutcomes.failure(outcomes[0])?.code == .closed)
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("is what a stream gives that waits for a silent source when its pool ends", arguments: [true, false])
    func silentSource(cancels: Bool) async {
        await #expect(processExitsWith: .success) { [cancels] in
            await Alone.runAsync { () async throws in
                let resident = try ForkPool(workers: 2).resident { (x: Int) in x }
                let (source, continuation) = AsyncStream.makeStream(of: Int.self)
                continuation.yield(5)
                var outcomes: [Result<Int, ForkPool.Failure>] = []
                for await (_, result) in resident.stream(source).results {
                    outcomes.append(result)
                    // The loop goes back to its wait, or is on its way there.
                    if outcomes.count == 1 {
                        Task.detached { if cancels { resident.cancel() } else { await resident.finish() } }
                    }
                }
                #expect(try outcomes.first?.get() == 5)
                #expect(outcomes.count == 2)
                #expect(StreamOutcomes.failure(outcomes[1])?.code == .closed)
                continuation.finish()
            }
        }
    }

    // A thread that has not gone on since it looked for results may find them only when the pool is gone.
    @Test("is what a stream gives whose task comes to its wait after the end of its pool", arguments: [true, false])
    func lateWait(isPatient: Bool) async {
        await #expect(processExitsWith: .success) { [isPatient] in
            await Alone.runAsync { () async throws in
                let resident = try ForkPool(workers: 2).resident { (x: Int) in x }
                let (source, items) = AsyncStream.makeStream(of: Int.self)
                items.yield(5)
                var iterator = resident.stream(source).results.makeAsyncIterator()
                #expect(try await iterator.next()?.result.get() == 5)
                let state = resident.pool.locked { $0.collectors.first } as? StreamState<Int>
                resident.cancel()
                try await #require(state).suspend(isPatient: isPatient, awaited: 0)
                let end = try #require(await iterator.next())
                #expect(StreamOutcomes.failure(end.result)?.code == .closed)
                items.finish()
            }
        }
    }
}

/// An error with a description that takes long.
private struct Slow: Error, CustomStringConvertible {
    var description: String {
        usleep(5000)
        return "words at last"
    }
}
