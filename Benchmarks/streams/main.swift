// SPDX-License-Identifier: Apache-2.0
import ForkPool
import Glibc

// Prints what lines of JSON and no-ops cost in streams, beside a sequential loop and a map of the same program, for
// scripts/compare-streams [ROUNDS [ITEMS [WORKERS]]] [NAME]...: with names the rows that contain one.

let numbers = CommandLine.arguments.dropFirst().compactMap { Int($0) }
let rounds = numbers.first ?? 5
let count = numbers.dropFirst().first ?? 200_000
let wanted = CommandLine.arguments.dropFirst().filter { Int($0) == nil }
let pool = ForkPool(workers: numbers.dropFirst(2).first ?? 2)

/// What is measured, and its lowest time for each item, in nanoseconds.
struct Row {
    let name: String
    let run: () async throws -> Int
    var time = Double.infinity
    /// The same of processor time, of this process and its workers.
    var work = Double.infinity
}

/// The processor time of this process and of the children that have ended, in seconds.
func processorTime() -> Double {
    [RUSAGE_SELF, RUSAGE_CHILDREN].reduce(0) { sum, who in
        var usage = rusage()
        unsafe getrusage(__rusage_who_t(who.rawValue), &usage)
        let times = [usage.ru_utime, usage.ru_stime]
        return times.reduce(sum) { $0 + Double($1.tv_sec) + Double($1.tv_usec) * 1e-6 }
    }
}

func measure(_ title: String, _ rows: [Row]) async throws {
    var rows = rows.filter { row in
        row.name == rows[0].name || wanted.isEmpty || wanted.contains { "\(title), \(row.name)".contains($0) }
    }
    guard rows.count > 1 else { return }
    let expected = try await rows[0].run()
    for _ in 0..<rounds {
        for number in rows.indices {
            let (start, work) = (ContinuousClock.now, processorTime())
            let sum = try await rows[number].run()
            let time = ContinuousClock.now - start
            guard sum == expected else { fatalError("\(rows[number].name): \(sum), not \(expected)") }
            let seconds = Double(time.components.seconds) + Double(time.components.attoseconds) * 1e-18
            rows[number].work = min(rows[number].work, (processorTime() - work) * 1e9 / Double(count))
            rows[number].time = min(rows[number].time, seconds * 1e9 / Double(count))
        }
    }
    print("| \(title) | ns an item | of sequential | processor time, ns |\n|---|---:|---:|---:|")
    for row in rows {
        let ratio = (row.time / rows[0].time * 100).rounded() / 100
        print("| \(row.name) | \(Int(row.time)) | \(ratio) | \(Int(row.work)) |")
    }
    print()
}

func drain(_ stream: ForkPool.Stream<Int>) throws -> Int {
    var sum = 0
    try stream.forEach { sum &+= $1 }
    return sum
}

func drain(
    _ resident: ForkPool.Resident<String, Int>,
    _ stream: (ForkPool.Resident<String, Int>) throws -> ForkPool.Stream<Int>
) throws -> Int {
    defer { resident.close() }
    return try drain(stream(resident))
}

func drainAsync(_ stream: ForkPool.Stream<Int>) async throws -> Int {
    var sum = 0
    for try await (_, output) in stream { sum &+= output }
    return sum
}

func mapped(_ lines: Lines, _ job: ParseJob) throws -> Int {
    try pool.map(Array(lines)) { job.run($0) }.reduce(0, &+)
}

func compareLines(_ lines: Lines, repeats: Int) async throws {
    let job = ParseJob(repeats: repeats)
    try await measure(
        "\(count) lines of JSON, parsed \(repeats) times",
        [
            Row(name: "sequential loop") { lines.reduce(0) { $0 &+ job.run($1) } },
            Row(name: "map") { try mapped(lines, job) },
            Row(name: "sequence, one-shot") { try drain(pool.stream(lines) { job.run($0) }) },
            Row(name: "sequence, one-shot, completion") {
                try drain(pool.stream(lines, order: .completion) { job.run($0) })
            },
            Row(name: "sequence, resident") {
                try drain(pool.resident { (line: String) in job.run(line) }) { $0.stream(lines) }
            },
            Row(name: "sequence, exec") { try drain(pool.resident(job, start: .exec)) { $0.stream(lines) } },
            Row(name: "sequence, async loop") { try await drainAsync(pool.stream(lines) { job.run($0) }) },
            Row(name: "ready async sequence, one-shot") {
                try await drainAsync(pool.stream(lines.ready) { job.run($0) })
            },
            Row(name: "ready async sequence, completion") {
                try await drainAsync(pool.stream(lines.ready, order: .completion) { job.run($0) })
            },
            Row(name: "ready async sequence, exec") {
                let exec = try pool.resident(job, start: .exec)
                defer { exec.cancel() }
                return try await drainAsync(exec.stream(lines.ready))
            },
            Row(name: "AsyncStream, sequential loop") {
                var sum = 0
                for await line in lines.produced { sum &+= job.run(line) }
                return sum
            },
            Row(name: "AsyncStream, one-shot") { try await drainAsync(pool.stream(lines.produced) { job.run($0) }) },
            Row(name: "AsyncStream, sync loop") { try drain(pool.stream(lines.produced) { job.run($0) }) },
        ])
}

/// The numbers below `count`, each of which is there when it is asked for.
struct Numbers: AsyncSequence {
    struct AsyncIterator: AsyncIteratorProtocol {
        var number = 0

        mutating func next() async -> Int? {
            guard number < count else { return nil }
            number += 1
            return number - 1
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator() }
}

func compareNoOps() async throws {
    let numbers = sequence(first: 0) { $0 < count - 1 ? $0 + 1 : nil }
    try await measure(
        "\(count) no-ops",
        [
            Row(name: "sequential loop") { numbers.reduce(0, &+) },
            Row(name: "map") { try pool.map(0..<count) { $0 }.reduce(0, &+) },
            Row(name: "collection") { try drain(pool.stream(0..<count) { $0 }) },
            Row(name: "collection, completion") { try drain(pool.stream(0..<count, order: .completion) { $0 }) },
            Row(name: "sequence") { try drain(pool.stream(numbers) { $0 }) },
            Row(name: "collection, async loop") { try await drainAsync(pool.stream(0..<count) { $0 }) },
            Row(name: "async sequence") { try await drainAsync(pool.stream(Numbers()) { $0 }) },
        ])
}

let lines = Lines(count)
for repeats in [1, 4] { try await compareLines(lines, repeats: repeats) }
try await compareNoOps()
