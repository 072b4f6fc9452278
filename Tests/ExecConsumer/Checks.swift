// SPDX-License-Identifier: Apache-2.0
import Dispatch
import ForkPoolUnderTest
import Foundation

/// The checks of workers; each ends the program if something is wrong.
enum Checks {
    static func right() throws {
        let pool = ForkPool(workers: 2)
        let triple = try pool.resident(Double(factor: 3), start: .exec)
        expect(try triple.map(0..<1000) == (0..<1000).map { $0 * 3 }, "a map by exec is wrong")
        expect(try triple(14) == 42, "a call by exec is wrong")
        var seen = 0
        for (index, result) in triple.stream(sequence(first: 0) { $0 + 1 }) {
            expect(try index == seen && result.get() == index * 3, "a stream by exec is wrong")
            seen += 1
            if seen == 500 { break }
        }
        triple.close()
        let forked = try pool.resident(Double(factor: 2), start: .fork)
        expect(try forked.map(0..<10) == [0, 2, 4, 6, 8, 10, 12, 14, 16, 18], "a map by fork is wrong")
        forked.close()
        expect(try pool.map(0..<3) { $0 + 1 } == [1, 2, 3], "a one-shot map is wrong")
    }

    /// Workers start after the program has used everything, and while it goes on to.
    static func busy() async throws {
        await useEverything()
        let background = Task { while !Task.isCancelled { await useEverything() } }
        let timer = DispatchSource.makeTimerSource(queue: .global())
        timer.setEventHandler { _ = try? Everything.day(3) }
        timer.schedule(deadline: .now(), repeating: .milliseconds(1))
        timer.resume()
        for _ in 0..<5 {
            let resident = try ForkPool(workers: 2, options: .init(itemsPerWorker: 3)).resident(
                Everything(), start: .exec)
            let results = try await resident.map(0..<9)
            expect(
                results == (0..<9).map(Everything.expected), "what a job says of its surroundings is wrong: \(results)")
            await resident.finish()
        }
        timer.cancel()
        background.cancel()
        await background.value
    }

    private static func useEverything() async {
        DispatchQueue.concurrentPerform(iterations: 8) { number in _ = try? Everything.day(number) }
        let done = await withTaskGroup(of: String?.self) { group in
            for number in 0..<20 {
                group.addTask {
                    try? await Task.sleep(for: .microseconds(number))
                    return try? Everything.json(number)
                }
            }
            return await group.reduce(into: 0) { count, _ in count += 1 }
        }
        expect(done == 20, "a task was lost")
    }

    static func surroundings() throws {
        let own = Surroundings.now
        expect(!own.contains { $0.hasPrefix("FORKPOOL_WORKER") }, "the program has the variable of a worker")
        let resident = try ForkPool(workers: 2).resident(Surroundings(), start: .exec)
        for theirs in try resident.map(0..<20) { expect(theirs == own, "a worker has \(theirs), the program \(own)") }
        resident.close()
        expect(Surroundings.now == own, "the program's own surroundings have changed")
        print(own.joined(separator: "\n"))
    }

    /// Workers are started before and after the program's file has gone.
    static func withoutFile(_ remove: () -> Bool) throws {
        let life = ForkPool.Options(itemsPerWorker: 1)
        let triple = try ForkPool(workers: 2, options: life).resident(Double(factor: 3), start: .exec)
        let ender = try ForkPool(workers: 2).resident(Ender(), start: .exec)
        expect(try triple.map(0..<4) == [0, 3, 6, 9], "a map is wrong while the file is there")
        expect(remove(), "the program's file cannot be removed: errno \(errno)")
        expect(try triple.map(0..<20) == (0..<20).map { $0 * 3 }, "a map is wrong without the file")
        let outcomes = ender.mapResults(0..<40)
        let pids = Set(outcomes.compactMap { try? $0.get() })
        expect(outcomes.filter { if case .failure = $0 { true } else { false } }.count == 10, "not the ten items fail")
        expect(pids.count > 2, "no process replaced a worker that ended")
        ender.close()
        triple.close()
        // This pool is made after the file is gone.
        let late = try ForkPool(workers: 2).resident(Double(factor: 5), start: .exec)
        expect(try late.map(0..<3) == [0, 5, 10], "a map of a new pool is wrong without the file")
        late.close()
    }

    static func refused() {
        for (start, name) in [(startHidden, "Hidden"), (startLocal, "Local")] {
            expectFailure(
                .notRunnable, "the type \(name) cannot be found by its name in a worker that is started by exec", start)
        }
        expectFailure(.notEncodable, "the job Unsendable cannot be encoded: Refusal()") {
            _ = try ForkPool(workers: 2).resident(Unsendable(), start: .exec)
        }
        expectFailure(.notRunnable, "Options.setUp and tearDown are closures") {
            _ = try ForkPool(workers: 2, options: .init(setUp: {})).resident(Double(factor: 1), start: .exec)
        }
    }

    static func needsBootstrap() {
        expectFailure(.notRunnable, "call ForkPool.bootstrap() as the first line of main") {
            _ = try ForkPool(workers: 2).resident(Double(factor: 1), start: .exec)
        }
    }

    private static func expectFailure(_ code: ForkPool.Failure.Code, _ text: String, _ start: () throws -> Void) {
        do {
            try start()
            fail("nothing was thrown where \"\(text)\" was to be")
        } catch {
            expect((error as? ForkPool.Failure)?.code == code, "thrown was \(error)")
            expect("\(error)".contains(text), "thrown was \(error)")
        }
    }

    private static func expect(_ isTrue: @autoclosure () throws -> Bool, _ otherwise: @autoclosure () -> String) {
        do {
            if try !isTrue() { fail(otherwise()) }
        } catch {
            fail("\(otherwise()): \(error)")
        }
    }
}
