// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite struct StreamMemoryTests {
    @Test("F7: a stream of a million small items over an endless input holds the same memory all along")
    func million() async {
        await #expect(processExitsWith: .success) { StreamMemoryScenes.million() }
    }

    @Test("F7: a slow reader of results of 100 kB holds the same memory all along", arguments: [true, false])
    func largeResults(_ inOrder: Bool) async {
        await #expect(processExitsWith: .success) { [inOrder] in
            StreamMemoryScenes.largeResults(inOrder ? .input : .completion)
        }
    }

    @Test("F7: inputs of 100 kB that a worker only counts hold the same memory all along")
    func largeInputs() async {
        await #expect(processExitsWith: .success) { StreamMemoryScenes.largeInputs() }
    }

    @Test("F7: an asynchronous source with a slow reader holds the same memory all along")
    func asyncSource() async {
        await #expect(processExitsWith: .success) { await StreamMemoryScenes.asyncSource() }
    }
}

/// The memory of the stream's processes, in bytes.
private struct Footprint: CustomStringConvertible {
    /// The growth that a process is allowed for each worker: the bound of the design.
    static let flat = 1 << 20
    /// The same for a stream of large items.
    ///
    /// Items in flight take up to 1 MiB here, and by chance one worker may come to hold all of them late.
    static let window = 2 * flat

    /// By process: memory of its own, and memory that it shares and has touched.
    private var anonymous: [Int32: Int] = [:]
    private var shared: [Int32: Int] = [:]

    static func now(of workers: Set<Int32>) -> Footprint {
        var footprint = Footprint()
        for pid in workers.union([getpid()]) {
            footprint.anonymous[pid] = size("RssAnon:", of: pid)
            footprint.shared[pid] = size("RssShmem:", of: pid)
        }
        return footprint
    }

    private static func size(_ what: String, of pid: Int32) -> Int {
        let lines = Files.lines("/proc/\(pid)/status")
        let words = lines.first { $0.hasPrefix(what) }?.split(whereSeparator: { $0 == " " || $0 == "\t" }) ?? []
        return words.count > 1 ? (Int(words[1]) ?? 0) << 10 : 0
    }

    /// The memory of each process at its first measurement: a worker may get its first item late.
    func first(after earlier: Footprint?) -> Footprint {
        guard var first = earlier else { return self }
        first.anonymous.merge(anonymous) { before, _ in before }
        first.shared.merge(shared) { before, _ in before }
        return first
    }

    /// Expects that no worker holds `bound` bytes more than it did, and this process no more than that for each worker.
    func expectNotAbove(_ first: Footprint, by bound: Int, workers: Int) {
        for (what, now, before) in [
            ("RssAnon", anonymous, first.anonymous), ("RssShmem", shared, first.shared),
        ] {
            for (pid, size) in now {
                let limit = pid == getpid() ? workers * bound : bound
                #expect(size - before[pid, default: 0] <= limit, "\(what) of \(pid): \(first) became \(self)")
            }
        }
    }

    var description: String {
        anonymous.sorted { $0.key < $1.key }.map {
            "\($0.key): \($0.value >> 10)+\(shared[$0.key, default: 0] >> 10) KiB"
        }
        .joined(separator: ", ")
    }
}

private enum StreamMemoryScenes {
    private static let workers = 2

    /// Reads a stream up to `count`, and compares the memory at each `step` with that at the first.
    private static func read<T>(
        _ stream: ForkPool.Stream<T>, count: Int, step: Int, bound: Int = Footprint.flat, pid: (T) -> Int32,
        slowly: (Int) -> Void = { _ in }
    ) throws {
        var pids: Set<Int32> = []
        var first: Footprint?
        var read = 0
        for (_, result) in stream {
            pids.insert(pid(try result.get()))
            read += 1
            slowly(read)
            if read % step == 0 {
                let now = Footprint.now(of: pids)
                first = now.first(after: first)
                now.expectNotAbove(first ?? now, by: bound, workers: workers)
            }
            if read == count { break }
        }
        #expect(read == count)
        #expect(pids.count == workers)
    }

    static func million() {
        Scene.survive(workers: workers) { pool throws in
            let stream = pool.stream(sequence(first: 0) { $0 + 1 }) { _ in getpid() }
            try read(stream, count: 1_000_000, step: 100_000, pid: { $0 })
        }
    }

    static func largeResults(_ order: ForkPool.Order) {
        Scene.survive(workers: workers) { pool throws in
            let stream = pool.stream(sequence(first: 0) { $0 + 1 }, order: order) { item in
                Large(pid: getpid(), bytes: [UInt8](repeating: UInt8(truncatingIfNeeded: item), count: 100_000))
            }
            // The reader is slow now and then, so results pile up.
            try read(stream, count: 5000, step: 500, bound: Footprint.window, pid: { $0.pid }) {
                if $0 % 50 == 0 { usleep(5000) }
            }
        }
    }

    static func largeInputs() {
        Scene.survive(workers: workers) { pool throws in
            let items = sequence(first: Large(pid: 0, bytes: [UInt8](repeating: 1, count: 100_000))) { $0 }
            let stream = pool.stream(items) { item in Int32(item.bytes.count) == 100_000 ? getpid() : -1 }
            try read(stream, count: 5000, step: 500, bound: Footprint.window, pid: { $0 }) {
                if $0 % 50 == 0 { usleep(5000) }
            }
        }
    }

    static func asyncSource() async {
        await Scene.survive(workers: workers) { (pool) async throws in
            var pids: Set<Int32> = []
            var first: Footprint?
            var read = 0
            for try await (_, pid) in pool.stream(Steps(), { _ in getpid() }) {
                pids.insert(pid)
                read += 1
                if read % 100 == 0 { await Task.yield() }
                if read % 5000 == 0 {
                    let now = Footprint.now(of: pids)
                    first = now.first(after: first)
                    now.expectNotAbove(first ?? now, by: Footprint.flat, workers: workers)
                }
                if read == 50_000 { break }
            }
            #expect(read == 50_000)
        }
    }
}

/// A result with the process that made it.
private struct Large: Codable {
    var pid: Int32
    var bytes: [UInt8]
}
