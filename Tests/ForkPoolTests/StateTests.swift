// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Testing

@testable import ForkPool

@Suite("A pool's options")
struct StateTests {
    @Test("are what was asked for, and the documented defaults otherwise")
    func defaults() {
        let pool = ForkPool(workers: 3, options: .init(chunk: .fixed(4), warmMemory: 5, refusesThreads: true))
        #expect(pool.workers == 3)
        #expect(pool.options == .init(chunk: .fixed(4), warmMemory: 5, refusesThreads: true))
        let options = ForkPool(workers: 65_536).options
        #expect(options.chunk == .automatic)
        #expect(options.warmMemory == 268_435_456)
        #expect(!options.refusesThreads)
    }

    @Test("are equal if each one is")
    func equality() {
        let options = ForkPool.Options()
        #expect(options == ForkPool.Options())
        #expect(options != ForkPool.Options(chunk: .fixed(1)))
        #expect(options != ForkPool.Options(warmMemory: 0))
        #expect(options != ForkPool.Options(refusesThreads: true))
        #expect(ForkPool.Options.Chunk.fixed(2) == .fixed(2))
        #expect(ForkPool.Options.Chunk.fixed(2) != .fixed(3))
        #expect(ForkPool.Options.Chunk.fixed(1) != .automatic)
        var changed = options
        changed.chunk = .fixed(1)
        #expect(changed == ForkPool.Options(chunk: .fixed(1)))
    }

    @Test("allow at least one worker, and no more than there are process ids")
    func workers() async throws {
        let none = try #require(
            await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
                _ = ForkPool(workers: 0)
            })
        expectMessage("ForkPool: workers must be at least 1, not 0", in: none)
        let negative = try #require(
            await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
                _ = ForkPool(workers: -1)
            })
        expectMessage("ForkPool: workers must be at least 1, not -1", in: negative)
        let many = try #require(
            await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
                _ = ForkPool(workers: 65_537)
            })
        expectMessage("ForkPool: workers must be at most 65536, not 65537", in: many)
    }

    @Test("allow no empty chunk and no negative memory")
    func options() async throws {
        let chunk = try #require(
            await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
                _ = ForkPool.Options.Chunk.fixed(0)
            })
        expectMessage("ForkPool: a chunk must be at least 1 item, not 0", in: chunk)
        let memory = try #require(
            await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
                _ = ForkPool.Options(warmMemory: -1)
            })
        expectMessage("ForkPool: warmMemory must be at least 0 bytes, not -1", in: memory)
    }

    @Test("allow no count below zero")
    func counts() async throws {
        let count = try #require(
            await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
                Alone.run { try ForkPool(workers: 1).fill(count: -1, slot: 1, of: Int.self) { _, _ in } }
            })
        expectMessage("ForkPool: a count of slots must be at least 0, not -1", in: count)
        let slot = try #require(
            await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
                Alone.run { try ForkPool(workers: 1).fill(count: 1, slot: -1, of: Int.self) { _, _ in } }
            })
        expectMessage("ForkPool: a slot must have at least 0 elements, not -1", in: slot)
        let huge = try #require(
            await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
                Alone.run { try ForkPool(workers: 1).fill(count: 1, slot: .max, of: Int.self) { _, _ in } }
            })
        expectMessage("ForkPool: a slot of 9223372036854775807 elements is larger than any memory", in: huge)
    }

    @Test("refuse more than any memory with a failure, not with a trap")
    func tooLarge() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let pool = ForkPool(workers: 2)
                func code(_ call: () throws(ForkPool.Failure) -> Void) -> ForkPool.Failure.Code? {
                    do throws(ForkPool.Failure) {
                        try call()
                        return nil
                    } catch {
                        return error.code
                    }
                }
                #expect(code { () throws(ForkPool.Failure) in try pool.forEach(0..<Int.max) { _ in } } == .noMemory)
                #expect(
                    code { () throws(ForkPool.Failure) in
                        _ = try pool.fill(count: 1 << 40, slot: 1 << 40, of: Int.self) { _, _ in }
                    } == .noMemory)
                #expect(try pool.map([1]) { $0 } == [1])
            }
        }
    }

    @Test("refuse to fork beside threads if they say so, and only then")
    func threads() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let strict = ForkPool(workers: 1, options: .init(refusesThreads: true))
                let results = Threads.run(1) { _ in strict.mapResults([1, 2]) { $0 } }
                #expect(results[0].count == 2)
                for (index, result) in results[0].enumerated() {
                    guard case .failure(let failure) = result else {
                        Issue.record("a map beside another thread was not refused")
                        continue
                    }
                    #expect(failure.code == .threadsRefused && failure.index == index)
                }
                #expect(try ForkPool(workers: 1).map([1]) { $0 } == [1])
            }
        }
    }
}
