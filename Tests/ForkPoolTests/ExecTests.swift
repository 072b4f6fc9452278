// SPDX-License-Identifier: Apache-2.0
import Dispatch
import ForkPool
import Foundation
import Testing

@Suite("A worker by exec")
struct ExecTests {
    @Test("gives the results of its job, in maps, calls and streams, also after crashes")
    func results() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let resident = try ForkPool(workers: 2).resident(Scaled(factor: 3), start: .exec)
                #expect(try resident.map(0..<500) == (0..<500).map { $0 * 3 })
                #expect(try resident(14) == 42)
                #expect(try Drain.inOrder(resident.stream(0..<100)) == (0..<100).map { $0 * 3 })
                for round in 0..<5 {
                    let results = resident.mapResults([1, -1, 2, -2, 3])
                    #expect(results.map { try? $0.get() } == [3, nil, 6, nil, 9], "round \(round)")
                }
                #expect(try resident.map([7]) == [21])
                resident.close()
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("may use formatters, tasks, timers, the main actor and Dispatch, whatever its parent did with them")
    func everything() async {
        await #expect(processExitsWith: .success) {
            await Alone.runAsync { () async throws in
                #expect(await Anything.used(1) == Anything.expected(1))
                let background = Task { while !Task.isCancelled { _ = await Anything.used(2) } }
                for _ in 0..<3 {
                    let resident = try ForkPool(workers: 2, options: .init(itemsPerWorker: 2)).resident(
                        Anything(), start: .exec)
                    #expect(try await resident.map(0..<8) == (0..<8).map(Anything.expected))
                    await resident.finish()
                }
                background.cancel()
                await background.value
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("has its parent's arguments and environment, and no trace of being a worker")
    func surroundings() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let own = Surroundings.now
                let resident = try ForkPool(workers: 2).resident(Surroundings(), start: .exec)
                #expect(try resident.map(0..<10) == Array(repeating: own, count: 10))
                resident.close()
                #expect(Surroundings.now == own)
                #expect(!own.contains { $0.hasPrefix("FORKPOOL_WORKER") })
            }
        }
    }

    @Test("keeps its identity when its job maps for the first time")
    func nested() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let resident = try ForkPool(workers: 2).resident(Mapping(), start: .exec)
                for _ in 0..<2 { #expect(try resident.map(0..<8) == (0..<8).map { 3 * $0 }) }
                resident.close()
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("is not started for a job that has no name elsewhere, that does not encode, or beside closures")
    func refused() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                struct Local: ForkPool.Job {
                    func run(_ item: Int) async throws -> Int { item }
                }
                let pool = ForkPool(workers: 2)
                Self.expectFailure(.notRunnable, "the type Hidden cannot be found by its name") {
                    () throws(ForkPool.Failure) in
                    _ = try pool.resident(Hidden(), start: .exec)
                }
                Self.expectFailure(.notRunnable, "the type Local cannot be found by its name") {
                    () throws(ForkPool.Failure) in
                    _ = try pool.resident(Local(), start: .exec)
                }
                Self.expectFailure(.notEncodable, "job Unsendable cannot be encoded: ") { () throws(ForkPool.Failure) in
                    _ = try pool.resident(Unsendable(), start: .exec)
                }
                let closures = ForkPool(workers: 2, options: .init(setUp: {}))
                Self.expectFailure(.notRunnable, "implement setUp() and tearDown() in Scaled") {
                    () throws(ForkPool.Failure) in
                    _ = try closures.resident(Scaled(factor: 1), start: .exec)
                }
                #expect(Alone.hasNoChild)
            }
            Alone.run { () throws in
                // By fork each of these jobs works.
                let resident = try ForkPool(workers: 2).resident(Hidden(), start: .fork)
                #expect(try resident.map([1, 2]) == [1, 2])
                resident.close()
            }
        }
    }

    private static func expectFailure(
        _ code: ForkPool.Failure.Code, _ text: String, _ start: () throws(ForkPool.Failure) -> Void
    ) {
        do throws(ForkPool.Failure) {
            try start()
            Issue.record("nothing was thrown where \"\(text)\" was to be")
        } catch {
            #expect(error.code == code)
            #expect(error.bodyRan == .no)
            #expect(error.description.contains(text), "\(error)")
        }
    }

    @Test("is only what a pool started: with any other value of the variable the program ends with 121 and says so")
    func garbage() throws {
        for value in ["", "junk", "1:2:3", "99:98:0:\(getpid()):ff", "0:1:0:\(getpid()):ff", "0:1:0:1:ff"] {
            let environment = ProcessInfo.processInfo.environment.merging(["FORKPOOL_WORKER": value]) { $1 }
            let (status, text) = try Program.run("/proc/self/exe", [], environment: environment)
            #expect(status == 121, "FORKPOOL_WORKER=\(value)")
            #expect(text.hasPrefix("forkpool: this process cannot be a worker: "), "FORKPOOL_WORKER=\(value): \(text)")
        }
    }
}

/// A job that no other process can name.
private struct Hidden: ForkPool.Job {
    func run(_ item: Int) async throws -> Int { item }
}

struct Scaled: ForkPool.Job {
    var factor: Int

    func run(_ item: Int) async throws -> Int {
        if item < 0 { kill(getpid(), SIGKILL) }
        return item * factor
    }
}

/// Maps in the worker, which is one before and after.
struct Mapping: ForkPool.Job {
    func run(_ item: Int) async throws -> Int {
        let before = ForkPool.worker?.index
        let sum = try await ForkPool(workers: 2).map([item, item, item]) { $0 }.reduce(0, +)
        return before != nil && before == ForkPool.worker?.index ? sum : -1
    }
}

/// Reports the surroundings of its process.
struct Surroundings: ForkPool.Job {
    func run(_ item: Int) async throws -> [String] { Self.now }

    static var now: [String] {
        let environment = ProcessInfo.processInfo.environment.sorted { $0.key < $1.key }
        return CommandLine.arguments + environment.map { "\($0.key)=\($0.value)" }
    }
}

/// A job that cannot be sent.
struct Unsendable: ForkPool.Job {
    struct Refusal: Error {}

    init() {}
    init(from decoder: any Decoder) throws {}
    func encode(to encoder: any Encoder) throws { throw Refusal() }
    func run(_ item: Int) async throws -> Int { item }
}

/// Uses what is forbidden in a forked worker.
struct Anything: ForkPool.Job {
    func run(_ item: Int) async throws -> [String] { await Self.used(item) }

    static func used(_ item: Int) async -> [String] {
        try? await Task.sleep(for: .milliseconds(1))
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "UTC")
        formatter.dateFormat = "yyyy-MM-dd"
        let day = formatter.string(from: Date(timeIntervalSinceReferenceDate: Double(item) * 86_400))
        let json = (try? JSONEncoder().encode(["item": item])).map { String(decoding: $0, as: UTF8.self) } ?? ""
        let sum = await withTaskGroup(of: Int.self) { group in
            for number in 0..<10 { group.addTask { item + number } }
            return await group.reduce(0, +)
        }
        return [day, json, "\(sum)", await onMainActor(item), await on(.global(), item), await on(.main, item)]
    }

    static func expected(_ item: Int) -> [String] {
        ["2001-01-0\(item + 1)", "{\"item\":\(item)}", "\(item * 10 + 45)", "main \(item)", "\(item)", "\(item)"]
    }

    @MainActor
    private static func onMainActor(_ item: Int) -> String {
        MainActor.assertIsolated()
        return "main \(item)"
    }

    private static func on(_ queue: DispatchQueue, _ item: Int) async -> String {
        await withCheckedContinuation { continuation in
            queue.asyncAfter(deadline: .now() + .milliseconds(1)) { continuation.resume(returning: "\(item)") }
        }
    }
}
