// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc
import Synchronization
import Testing

@testable import ForkPool

@Suite("A stream over an asynchronous source whose items print")
struct StreamPrintingTests {
    // An idle worker that writes what its body printed may wait for the reader of a pipe. So it counts neither as one that looks
    // for work nor as one that sleeps, and inputs that come meanwhile are collected.
    @Test("hands what it collected to a worker that has written its output, and sleeps then")
    func sleepsAfterOutput() async {
        await #expect(processExitsWith: .success) {
            await Alone.runAsync { () async throws in
                let output = FullOutput()
                let (begun, gate) = (SharedCounter(), SharedCounter())
                let resident = try ForkPool(workers: 2).resident { (item: Int) -> Int in
                    if item == 0 {
                        begun.add()
                        while gate.value == 0 { usleep(100) }
                    } else if item == 1 {
                        print("no whole line", terminator: "")
                    }
                    return item
                }
                let layout = resident.owner.pool.layout
                let (source, items) = AsyncStream.makeStream(of: Int.self)
                var iterator = resident.stream(source, order: .completion).makeAsyncIterator()
                // Short items, until the stream takes them in batches.
                var portion = 0
                while portion < 64 {
                    for _ in 0..<1000 { items.yield(-1) }
                    for _ in 0..<1000 { _ = try await iterator.next() }
                    let state = resident.owner.pool.locked { $0.collectors.first } as? StreamState<Int>
                    portion = try #require(state).contents.withLock { $0.step }
                }
                // One worker has item 0, and the other one item 1.
                items.yield(0)
                while begun.value == 0 { await Task.yield() }
                items.yield(1)
                #expect(try await iterator.next()?.output == 1)
                // The other one has left its batch, and waits for the reader of its output.
                func isWriting(_ worker: Int) -> Bool {
                    unsafe layout.record(worker).batchSlot.pointee.load(ordering: .sequentiallyConsistent) == 0
                        && !layout.seekers.contains(worker) && !layout.sleepers.contains(worker)
                }
                while !isWriting(0), !isWriting(1) { await Task.yield() }
                // The source gives no item after this one before its result is there.
                items.yield(2)
                while !layout.workerFreed.isAwaited { await Task.yield() }
                output.drain()
                #expect(try await iterator.next()?.output == 2)
                gate.add()
                #expect(try await iterator.next()?.output == 0)
                items.finish()
                #expect(try await iterator.next() == nil)
                await resident.finish()
                #expect(Alone.hasNoChild)
            }
        }
    }
}

/// Has standard output lead to a pipe that is full, until it is drained.
private final class FullOutput {
    private let reading: Int32
    private let before = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
    private let size: Int

    init() {
        var ends: [Int32] = [-1, -1]
        precondition(unsafe pipe(&ends) == 0, "no pipe: errno \(errno)")
        reading = ends[0]
        // F_GETPIPE_SZ, which Swift does not import.
        size = Int(fcntl(ends[1], 1032))
        let bytes = [UInt8](repeating: 0, count: size)
        precondition(unsafe write(ends[1], bytes, size) == size, "the pipe has no room: errno \(errno)")
        fflush(nil)
        dup2(ends[1], STDOUT_FILENO)
        close(ends[1])
    }

    /// Makes room for what is written next.
    func drain() {
        var bytes = [UInt8](repeating: 0, count: size)
        precondition(unsafe read(reading, &bytes, size) == size, "the pipe is not full: errno \(errno)")
    }

    deinit {
        dup2(before, STDOUT_FILENO)
        close(before)
        close(reading)
    }
}
