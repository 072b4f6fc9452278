// SPDX-License-Identifier: Apache-2.0
import Dispatch
import ForkPool
import Synchronization

/// The rows of streams and of calls that are submitted before the first one is awaited.
struct Streams {
    private let pool = ForkPool(workers: 2)

    func oneShot(_ count: Int) throws -> Row {
        try timed({ $0 == Self.sum(count) }) { try Self.sum(pool.stream(0..<count, Work.Same().run)) }
    }

    func resident(_ name: String, _ count: Int, _ start: ForkPool.Start) throws -> Row? {
        func make() throws -> ForkPool.Resident<Int, Int> {
            start == .exec ? try pool.resident(Work.Same(), start: .exec) : try pool.resident(Work.Same().run)
        }
        switch name {
        case "stream":
            return try coldAndWarm({ $0 == Self.sum(count) }, { try Self.sum($0.stream(0..<count)) }, make)
        case "warm-submit":
            let resident = try make()
            defer { resident.close() }
            let calls = {
                let calls = (0..<count).map { resident.submit($0) }
                return try calls.map { try $0.wait() }
            }
            _ = try calls()
            return try timed({ $0 == Array(0..<count) }, calls)
        default: return nil
        }
    }

    /// The same in asynchronous code: a loop that suspends, and a task for each call.
    func inTasks(_ name: String, _ count: Int) throws -> Row? {
        switch name {
        case "stream":
            let cold = try timed({ $0 == Self.sum(count) }) {
                try awaited { try await Self.sumInTask(pool.stream(0..<count, Work.Same().run)) }
            }
            let resident = try pool.resident(Work.Same().run)
            defer { resident.close() }
            let loop = { try awaited { try await Self.sumInTask(resident.stream(0..<count)) } }
            _ = try loop()
            return try cold.followed(by: timed({ $0 == Self.sum(count) }, loop))
        case "warm-submit":
            let resident = try pool.resident(Work.Same().run)
            defer { resident.close() }
            let calls = { try awaited { try await Self.sumOfTasks(resident, count) } }
            _ = try calls()
            return try timed({ $0 == Self.sum(count) }, calls)
        default: return nil
        }
    }

    private static func sum(_ count: Int) -> Int { count * (count - 1) / 2 }

    private static func sum(_ stream: ForkPool.Stream<Int>) throws -> Int {
        var sum = 0
        try stream.forEach { _, output in sum += output }
        return sum
    }

    private static func sumInTask(_ stream: ForkPool.Stream<Int>) async throws -> Int {
        var sum = 0
        for try await (_, output) in stream { sum += output }
        return sum
    }

    private static func sumOfTasks(_ resident: ForkPool.Resident<Int, Int>, _ count: Int) async throws -> Int {
        try await withThrowingTaskGroup(of: Int.self) { group in
            for item in 0..<count { group.addTask { try await resident(item) } }
            return try await group.reduce(0, +)
        }
    }
}

/// Runs asynchronous work, and blocks this thread until it is done.
private func awaited<R: Sendable>(_ work: @escaping @Sendable () async throws -> R) throws -> R {
    let done = DispatchSemaphore(value: 0)
    let result = Mutex<Result<R, any Error>?>(nil)
    Task.detached {
        let outcome: Result<R, any Error>
        do { outcome = .success(try await work()) } catch { outcome = .failure(error) }
        result.withLock { $0 = outcome }
        done.signal()
    }
    done.wait()
    return try result.withLock { $0! }.get()
}
