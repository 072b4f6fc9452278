// SPDX-License-Identifier: Apache-2.0
import Dispatch
import ForkPoolUnderTest
import Foundation

/// Work that every kind of program can do in a worker by exec.
struct Double: ForkPool.Job {
    var factor: Int

    func run(_ item: Int) async throws -> Int { item * factor }
}

/// Uses what is forbidden in a forked worker.
struct Everything: ForkPool.Job {
    func run(_ item: Int) async throws -> [String] {
        try await Task.sleep(for: .milliseconds(1))
        return [
            try Self.day(item), try Self.json(item), await Self.group(item), await Self.mainActor(item),
            await Self.queue(.global(), item), await Self.queue(.main, item), Self.perform(item),
        ]
    }

    /// What `run` returns, written down.
    static func expected(_ item: Int) -> [String] {
        ["2001-01-0\(item + 1)", "{\"item\":\(item)}", "\(item * 10 + 45)", "main \(item)", "\(item)", "\(item)", "6"]
    }

    static func day(_ item: Int) throws -> String {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "UTC")
        formatter.dateFormat = "yyyy-MM-dd"
        return formatter.string(from: Date(timeIntervalSinceReferenceDate: Swift.Double(item) * 86_400))
    }

    static func json(_ item: Int) throws -> String {
        String(decoding: try JSONEncoder().encode(["item": item]), as: UTF8.self)
    }

    private static func group(_ item: Int) async -> String {
        let sum = await withTaskGroup(of: Int.self) { group in
            for number in 0..<10 {
                group.addTask {
                    await Task.yield()
                    return item + number
                }
            }
            return await group.reduce(0, +)
        }
        return "\(sum)"
    }

    @MainActor
    private static func mainActor(_ item: Int) -> String {
        MainActor.assertIsolated()
        return "main \(item)"
    }

    private static func queue(_ queue: DispatchQueue, _ item: Int) async -> String {
        await withCheckedContinuation { continuation in
            queue.asyncAfter(deadline: .now() + .milliseconds(1)) { continuation.resume(returning: "\(item)") }
        }
    }

    private static func perform(_ item: Int) -> String {
        let lock = NSLock()
        nonisolated(unsafe) var sum = 0
        DispatchQueue.concurrentPerform(iterations: 4) { number in lock.withLock { sum += number } }
        return "\(sum)"
    }
}

/// Reports which of the program's surroundings a worker has.
struct Surroundings: ForkPool.Job {
    func run(_ item: Int) async throws -> [String] { Self.now }

    /// The arguments, and the environment in the order of its names.
    static var now: [String] {
        let environment = ProcessInfo.processInfo.environment.sorted { $0.key < $1.key }
        return CommandLine.arguments + environment.map { "\($0.key)=\($0.value)" }
    }
}

/// Ends its worker at some items, so that others must be started.
struct Ender: ForkPool.Job {
    func run(_ item: Int) async throws -> Int32 {
        if item % 4 == 3 { kill(getpid(), SIGKILL) }
        return getpid()
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

/// A job that no other file, and so no other process, can name.
private struct Hidden: ForkPool.Job {
    func run(_ item: Int) async throws -> Int { item }
}

/// Asks for workers of that job.
func startHidden() throws {
    _ = try ForkPool(workers: 2).resident(Hidden(), start: .exec)
}

/// Asks for workers of a job that is declared here alone.
func startLocal() throws {
    struct Local: ForkPool.Job {
        func run(_ item: Int) async throws -> Int { item }
    }
    _ = try ForkPool(workers: 2).resident(Local(), start: .exec)
}
