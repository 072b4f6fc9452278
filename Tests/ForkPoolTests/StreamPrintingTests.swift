// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc
import Synchronization
import Testing

@testable import ForkPool

@Suite("A stream over an asynchronous source whose items print")
struct StreamPrintingTests {
    private static let rounds = 10
    private static let output = "no whole line"

    // An idle worker that writes what its body printed may wait for the reader of a pipe. So it counts neither as one that looks
    // for work nor as one that sleeps, and inputs that come meanwhile are collected. The supervisor would find them when it
    // looks next: here it waits in a progress handler.
    @Test("hands what it collected to a worker that has written its output, and sleeps then")
    func sleepsAfterOutput() async {
        await #expect(processExitsWith: .success) {
            await Alone.runAsync { () async throws in try await StreamPrintingTests.run() }
        }
    }

    private nonisolated(nonsending) static func run() async throws {
        let output = FullOutput()
        let (begun, gate, heldLooks) = (SharedCounter(), SharedCounter(), SharedCounter())
        let options = ForkPool.Options(progress: { progress in
            guard progress.total == 1, progress.done == 0 else { return }
            heldLooks.add()
            while gate.value < rounds { usleep(100) }
        })
        let resident = try ForkPool(workers: 3, options: options).resident { (item: Int) -> Int in
            switch item {
            case -2:
                while gate.value < rounds { usleep(100) }
            case 0:
                let end = begun.add()
                while gate.value < end { usleep(100) }
            case 1: print(Self.output, terminator: "")
            default: break
            }
            return item
        }
        let pool = resident.owner.pool
        let layout = pool.layout
        // One worker has the item of a map for the whole time, and the supervisor its progress.
        let map = Task.detached { try await resident.map([-2]) }
        while heldLooks.value == 0 { await Task.yield() }
        let (source, items) = AsyncStream.makeStream(of: Int.self)
        var iterator = resident.stream(source, order: .completion).makeAsyncIterator()
        for round in 1...rounds {
            output.fill()
            for _ in 0..<100 { items.yield(-1) }
            for _ in 0..<100 { _ = try await iterator.next() }
            // The stream takes short items in batches; on a slow machine none is short.
            let state = pool.locked { $0.collectors.first } as? StreamState<Int>
            let time = monotonicNanoseconds()
            let portion = try #require(state).contents.withLock { contents in
                for delivery in 1...10_000 { contents.pace.noteDelivery(at: time + 10 * delivery) }
                return contents.step
            }
            #expect(portion >= 64)
            // What was read makes room in the window only when the stream is read again.
            items.yield(-1)
            _ = try await iterator.next()
            // One of the other workers has item 0, and the last one item 1.
            items.yield(0)
            while begun.value < round { await Task.yield() }
            items.yield(1)
            #expect(try await iterator.next()?.output == 1)
            // It has left its batch, and waits for the reader of its output.
            func isWriting(_ worker: Int) -> Bool {
                unsafe layout.record(worker).batchSlot.pointee.load(ordering: .sequentiallyConsistent) == 0
                    && !layout.seekers.contains(worker) && !layout.sleepers.contains(worker)
            }
            while !(0..<3).contains(where: isWriting) { await Task.yield() }
            // The source gives no item after this one before its result is there, for which the stream's reader waits.
            items.yield(2)
            let drained = Task.detached {
                while !layout.workerFreed.isAwaited || pool.locked({ $0.streamWaiters.isEmpty }) { await Task.yield() }
                output.drain()
            }
            #expect(try await iterator.next()?.output == 2)
            await drained.value
            output.drain(Self.output.utf8.count)
            gate.add()
            #expect(try await iterator.next()?.output == 0)
        }
        items.finish()
        #expect(try await iterator.next() == nil)
        #expect(try await map.value == [-2])
        await resident.finish()
        #expect(Alone.hasNoChild)
    }
}

/// Has standard output lead to a pipe.
private final class FullOutput: Sendable {
    private let reading: Int32
    private let before = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
    private let size: Int

    init() {
        fflush(nil)
        var ends: [Int32] = [-1, -1]
        precondition(unsafe pipe(&ends) == 0 && dup2(ends[1], STDOUT_FILENO) >= 0, "no pipe: errno \(errno)")
        reading = ends[0]
        // F_GETPIPE_SZ, which Swift does not import.
        size = Int(fcntl(ends[1], 1032))
        close(ends[1])
    }

    /// Fills the pipe, which is empty.
    func fill() {
        let bytes = [UInt8](repeating: 0, count: size)
        precondition(unsafe write(STDOUT_FILENO, bytes, size) == size, "the pipe has no room: errno \(errno)")
    }

    /// Reads so many bytes; by default all that fill it.
    func drain(_ count: Int? = nil) {
        let count = count ?? size
        var bytes = [UInt8](repeating: 0, count: count)
        precondition(unsafe read(reading, &bytes, count) == count, "less was written: errno \(errno)")
    }

    deinit {
        dup2(before, STDOUT_FILENO)
        close(before)
        close(reading)
    }
}
