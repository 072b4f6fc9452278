// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

/// An error of the program that uses the library.
enum Misuse: String, Codable, CaseIterable, Sendable {
    case manyWorkers, chunk, warmMemory, timeout, retries, retryPause, itemsPerWorker, memoryLimit, cpuTimeLimit
    case niceness, maxPending, restarts, restartTime, slots, slotSize, hugeSlot, window, sharedCount, sharedSize,
        sharedIndex
    case sharedLock, wrongCount, noMemory

    /// What the process says at its end, in release builds too.
    var text: String {
        switch self {
        case .manyWorkers: "workers must be at most 65536, not 65537"
        case .chunk: "a chunk must be at least 1 item, not 0"
        case .warmMemory: "warmMemory must be at least 0 bytes, not -1"
        case .timeout: "timeout must be at least a nanosecond, not 0.0 seconds"
        case .retries: "retries must be at least 0, not -1"
        case .retryPause: "retryPause must be at least zero, not -1.0 seconds"
        case .itemsPerWorker: "itemsPerWorker must be at least 1, not 0"
        case .memoryLimit: "memoryLimit must be at least 1 byte, not 0"
        case .cpuTimeLimit: "cpuTimeLimit must be at least a nanosecond, not 0.0 seconds"
        case .niceness: "niceness must be from 0 to 19, not 20"
        case .maxPending: "maxPending must be at least 0, not -1"
        case .restarts: "restarts must be at least 0, not -1"
        case .restartTime: "the time for restarts must be more than 0, not 0.0 seconds"
        case .slots: "a count of slots must be at least 0, not -1"
        case .slotSize: "a slot must have at least 0 elements, not -1"
        case .hugeSlot: "a slot of \(Int.max) elements is larger than any memory"
        case .window: "a window must be at least 1 item, not 0"
        case .sharedCount: "a SharedArray has at least 0 elements, not -1"
        case .sharedSize: "a SharedArray of \(Int.max) elements is larger than any memory"
        case .sharedIndex: "SharedArray index out of range"
        case .sharedLock: "SharedValue.withLock inside withLock of the same value"
        case .wrongCount: "the collection has 1 items, but its count is 2"
        case .noMemory: "no shared memory of"
        }
    }

    /// Does it; it does not return.
    func commit() throws {
        let pool = ForkPool(workers: 1)
        switch self {
        case .manyWorkers: _ = ForkPool(workers: 65_537)
        case .chunk: _ = ForkPool.Options.Chunk.fixed(0)
        case .warmMemory: _ = ForkPool.Options(warmMemory: -1)
        case .timeout: _ = ForkPool.Options(timeout: .zero)
        case .retries: _ = ForkPool.Options(retries: -1)
        case .retryPause: _ = ForkPool.Options(retryPause: .seconds(-1))
        case .itemsPerWorker: _ = ForkPool.Options(itemsPerWorker: 0)
        case .memoryLimit: _ = ForkPool.Options(memoryLimit: 0)
        case .cpuTimeLimit: _ = ForkPool.Options(cpuTimeLimit: .zero)
        case .niceness: _ = ForkPool.Options(niceness: 20)
        case .maxPending: _ = ForkPool.Options(maxPending: -1)
        case .restarts: _ = ForkPool.Options.RestartIntensity(-1, within: .seconds(1))
        case .restartTime: _ = ForkPool.Options.RestartIntensity(1, within: .zero)
        case .slots: _ = try pool.fill(count: -1, slot: 1, of: Int.self) { _, _ in }
        case .slotSize: _ = try pool.fill(count: 1, slot: -1, of: Int.self) { _, _ in }
        case .hugeSlot: _ = try pool.fill(count: 1, slot: .max, of: Int.self) { _, _ in }
        case .window: _ = pool.stream(0..<3, window: 0) { $0 }
        case .sharedCount: _ = SharedArray<Int>(count: -1)
        case .sharedSize: _ = SharedArray<Int>(count: .max)
        case .sharedIndex: _ = opaque(SharedArray<Int>(count: 1)[opaque(1)])
        case .sharedLock:
            let value = SharedValue(1)
            value.withLock { _ in value.withLock { $0 += 1 } }
        case .wrongCount: _ = try pool.resident { (item: Int) in item }.map(Lying())
        case .noMemory:
            Limit.set(.addressSpace, to: Files.addressSpace + (1 << 20))
            _ = SharedArray<Int>(count: 1 << 30)
        }
    }
}

/// A collection that has one element fewer than it says.
private struct Lying: Collection {
    var startIndex: Int { 0 }
    var endIndex: Int { 2 }
    func index(after index: Int) -> Int { index + 1 }
    subscript(index: Int) -> Int { index }

    struct Iterator: IteratorProtocol {
        var isOver = false
        mutating func next() -> Int? {
            defer { isOver = true }
            return isOver ? nil : 7
        }
    }
    func makeIterator() -> Iterator { Iterator() }
}

@Suite struct MisuseTests {
    @Test("C7: a precondition that does not hold says so, in release builds too", arguments: Misuse.allCases)
    func says(_ misuse: Misuse) async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) { [misuse] in
            Scene.setDeadline()
            // Without the runtime's crash report, which is slow.
            for number in [SIGILL, SIGTRAP] { signal(number, SIG_DFL) }
            try misuse.commit()
        }
        let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(text.contains("Fatal error: ForkPool: \(misuse.text)"), "\(text)")
    }

    @Test("C7: in a body it is the failure's message", arguments: Kind.allCases)
    func inBody(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            kind.survive([.give(0), .misuse(.chunk), .give(2)]) { results in
                #expect(results[1].failure?.code == .crashed, "\(results[1])")
                #expect(results[1].failure?.message.contains("a chunk must be at least 1 item, not 0") == true)
                #expect(results[0].value == 0 && results[2].value == 2)
            }
        }
    }
}
