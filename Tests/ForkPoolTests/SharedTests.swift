// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite("Shared values")
struct SharedTests {
    @Test("count across processes, and keep what a worker added before it died")
    func counter() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                let counter = SharedCounter(100)
                let pool = ForkPool(workers: 4)
                try pool.forEach(1...1000) { counter.add($0 % 2 == 0 ? 2 : -1) }
                #expect(counter.value == 600)
                let results = pool.mapResults(0..<10) { item in
                    counter.add()
                    if item % 5 == 0 { kill(getpid(), SIGKILL) }
                }
                #expect(results.count { (try? $0.get()) != nil } == 8)
                #expect(counter.value == 610)
            }
        }
    }

    @Test("count in one process like a number that wraps")
    func counterAlone() {
        let counter = SharedCounter()
        #expect(counter.value == 0)
        #expect(counter.add() == 1)
        #expect(counter.add(-5) == -4)
        #expect(SharedCounter(.max).add(1) == .min)
        #expect(Threads.run(4) { _ in for _ in 0..<1000 { counter.add(2) } }.count == 4)
        #expect(counter.value == 7996)
    }

    @Test("change under a lock one at a time, in workers and threads")
    func value() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                let value = SharedValue(Sums(count: 0, total: 0))
                try ForkPool(workers: 4).forEach(1...2000) { item in
                    value.withLock {
                        $0.count += 1
                        $0.total += item
                    }
                }
                #expect(value.value == Sums(count: 2000, total: 2_001_000))
                _ = Threads.run(4) { _ in for _ in 0..<500 { value.withLock { $0.count -= 1 } } }
                #expect(value.value == Sums(count: 0, total: 2_001_000))
            }
        }
    }

    @Test("stay whole when a worker is killed inside the lock, and others go on")
    func killedInLock() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                let value = SharedValue(Sums(count: 1, total: 1))
                let pool = ForkPool(workers: 2, options: .init(chunk: .fixed(1)))
                let results = pool.mapResults(0..<20) { item in
                    value.withLock { sums in
                        sums.count += 1
                        if item % 7 == 3 { kill(getpid(), SIGKILL) }
                        sums.total += 10
                    }
                }
                #expect(results.indices.filter { (try? results[$0].get()) == nil } == [3, 10, 17])
                #expect(value.value == Sums(count: 18, total: 171))
            }
        }
    }

    @Test("stay as they were when the change throws, and hand its error on")
    func thrownInLock() throws {
        let value = SharedValue(5)
        #expect(throws: Refusal()) {
            try value.withLock { number in
                number = 6
                throw Refusal()
            }
        }
        #expect(value.value == 5)
        let twice = value.withLock { number in
            number += 1
            return number * 2
        }
        #expect(twice == 12)
        #expect(value.value == 6)
    }

    @Test("may be of any size and alignment")
    func sizes() {
        let wide = SharedValue(SIMD64<Double>(repeating: 1))
        wide.withLock { $0[63] = 2 }
        wide.withLock { $0[0] += $0[63] }
        #expect(wide.value[0] == 3 && wide.value[1] == 1 && wide.value[63] == 2)
        let nothing = SharedValue(())
        nothing.withLock { _ in }
        let odd = SharedValue((UInt8(1), UInt16(2), UInt8(3)))
        odd.withLock { $0.2 = 9 }
        #expect(odd.value == (1, 2, 9))
    }

    @Test("refuse a lock inside the same lock instead of waiting for ever")
    func nestedLock() async throws {
        let result = try #require(
            await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
                alarm(30)
                let value = SharedValue(1)
                value.withLock { _ in value.withLock { $0 = 2 } }
            })
        expectMessage("SharedValue.withLock inside withLock of the same value", in: result)
    }
}

@Suite("A shared array")
struct SharedArrayTests {
    @Test("begins with zeros or one value, and is a collection")
    func collection() {
        let zeros = SharedArray<Int>(count: 3)
        #expect(zeros.count == 3 && Array(zeros) == [0, 0, 0])
        let array = SharedArray(repeating: 1.5, count: 4)
        array[2] = 4
        #expect(Array(array) == [1.5, 1.5, 4, 1.5])
        #expect(array.reversed() == [1.5, 4, 1.5, 1.5])
        #expect(array[1..<3].reduce(0, +) == 5.5)
        #expect(array.firstIndex(of: 4) == 2)
        #expect(array.indices == 0..<4)
    }

    @Test("may be empty")
    func empty() {
        let array = SharedArray<Int>(count: 0)
        #expect(array.isEmpty && array.first == nil)
        #expect(array.withSpan { $0.count } == 0)
        #expect(SharedArray(repeating: 7, count: 0).isEmpty)
    }

    @Test("is read and written as a span")
    func spans() throws {
        let array = SharedArray<Int32>(count: 5)
        let written = array.withMutableSpan { span in
            for index in span.indices { span[index] = Int32(index * index) }
            return span.count
        }
        #expect(written == 5)
        #expect(array.withSpan { $0[4] } == 16)
        #expect(Array(array) == [0, 1, 4, 9, 16])
        #expect(throws: Refusal()) { try array.withSpan { _ in throw Refusal() } }
        #expect(throws: Refusal()) {
            try array.withMutableSpan { span in
                span[0] = 8
                throw Refusal()
            }
        }
        #expect(array[0] == 8)
    }

    @Test("is written by workers, each at its own index")
    func workers() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                let image = SharedArray<UInt16>(count: 64 * 100)
                try ForkPool(workers: 3).forEach(0..<100) { row in
                    for column in 0..<64 { image[row * 64 + column] = UInt16(row + column) }
                }
                #expect(image[0] == 0 && image[63] == 63 && image[64] == 1 && image[6399] == 162)
                #expect(image.reduce(0) { $0 + Int($1) } == 518_400)
            }
        }
    }

    @Test("refuses an index outside it, a negative count, and more than any memory")
    func preconditions() async throws {
        let above = try #require(
            await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
                _ = SharedArray<Int>(count: 3)[3]
            })
        expectMessage("ForkPool: SharedArray index out of range", in: above)
        let below = try #require(
            await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
                SharedArray<Int>(count: 3)[-1] = 0
            })
        expectMessage("ForkPool: SharedArray index out of range", in: below)
        let negative = try #require(
            await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
                _ = SharedArray<Int>(count: -1)
            })
        expectMessage("ForkPool: a SharedArray has at least 0 elements, not -1", in: negative)
        let uncountable = try #require(
            await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
                _ = SharedArray<Int>(count: .max)
            })
        expectMessage(
            "ForkPool: a SharedArray of 9223372036854775807 elements is larger than any memory", in: uncountable)
        let refused = try #require(
            await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
                _ = SharedArray<Int>(count: 1 << 59)
            })
        expectMessage(
            "ForkPool: no shared memory of 4611686018427387904 bytes: the system refused mmap: "
                + "Cannot allocate memory (errno 12)",
            in: refused)
    }
}

private struct Sums: BitwiseCopyable, Equatable {
    var count: Int
    var total: Int
}

private struct Refusal: Error, Equatable {}
