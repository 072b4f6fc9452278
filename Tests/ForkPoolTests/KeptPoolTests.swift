// SPDX-License-Identifier: Apache-2.0
import Dispatch
import ForkPoolTestSupport
import Glibc
import Testing

@testable import ForkPool

@Suite("The pool that a one-shot map leaves to the next one")
struct KeptPoolTests {
    @Test("holds no descriptor: the host may close every one, and a file of its own then has the number")
    func descriptors() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                // What a process has once, and Dispatch for its timers.
                _ = try ForkPool(workers: 1).map([1]) { $0 }
                let timer = DispatchSemaphore(value: 0)
                DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(1)) { timer.signal() }
                timer.wait()
                let before = Self.openDescriptors()
                let pool = ForkPool(workers: 2)
                #expect(try pool.map(0..<4) { $0 } == [0, 1, 2, 3])
                #expect(Self.openDescriptors() == before)
                withExtendedLifetime(pool) {}
            }
        }
    }

    /// Every open descriptor but those of Dispatch's timers, which it opens when the test's own deadline needs one.
    private static func openDescriptors() -> Set<Int32> {
        Set((0..<1024).filter { fcntl($0, F_GETFD) >= 0 && Files.target(of: $0) != "anon_inode:[timerfd]" })
    }

    @Test("gives back above the mark what a map took whose result is gone, while an older result is held")
    func held() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                _ = try ForkPool(workers: 1).map([1]) { $0 }
                let before = try SharedMappings.now()
                let pool = ForkPool(workers: 2, options: .init(warmMemory: 1 << 20))
                let small = try pool.fill(count: 1, slot: 1, of: Int.self) { _, out in out[0] = 7 }
                let text = try pool.map(0..<4) { String(repeating: "x", count: $0) }
                #expect(text == ["", "x", "xx", "xxx"])
                for _ in 0..<2 {
                    let results = try pool.map(0..<16) { [UInt8](repeating: UInt8($0), count: 1 << 20) }
                    for (item, bytes) in results.enumerated() {
                        #expect(bytes.count == 1 << 20 && bytes.allSatisfy { $0 == UInt8(item) })
                    }
                    let kept = try SharedMappings.now().subtracting(before).residentBytes
                    #expect(kept <= 2 << 20, "\(kept) bytes")
                }
                #expect(small[0] == 7)
            }
        }
    }

    @Test("is as large as its map where address space is short")
    func addressSpace() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                _ = try ForkPool(workers: 1).map([1]) { $0 }
                let pages = Files.text("/proc/self/statm").split(separator: " ").first.flatMap { Int($0) }
                var limit = rlimit()
                limit.rlim_cur = rlim_t(try #require(pages) * sysconf(Int32(_SC_PAGESIZE)) + 900 << 20)
                limit.rlim_max = limit.rlim_cur
                #expect(unsafe setrlimit(Int32(RLIMIT_AS.rawValue), &limit) == 0)
                let pool = ForkPool(workers: 2)
                // Rounded up to a power of two, the slots would take 1 GiB.
                let filled = try pool.fill(count: 600, slot: 1 << 20, of: UInt8.self) { item, out in
                    out[0] = UInt8(item % 251)
                }
                #expect((0..<600).allSatisfy { filled[$0 << 20] == UInt8($0 % 251) })
            }
        }
    }

    @Test("hands on what a worker had claimed whose process is refused, while others are granted")
    func refused() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                let pool = try Pool(workers: 2, options: .init(chunk: .fixed(5)), for: .oneBatch)
                let batch = try pool.openOnlyBatch(
                    Batch.Shape(count: 10, inputStride: 0, slotStride: 8, stopsAtFailure: false))
                let claimed = SharedCounter()
                let worker = WorkerMain(
                    region: pool.layout, settings: WorkerSettings(pool.options), setUp: nil, tearDown: nil
                ) { range, writer, _ in
                    for item in range {
                        guard writer.begin(item) else { return false }
                        // Both have claimed by then: the second one leaves four items.
                        if ForkPool.worker?.index == 1 {
                            claimed.add()
                            _exit(3)
                        }
                        while claimed.value == 0 { sched_yield() }
                        writer.store(item, at: item)
                    }
                    return true
                }
                let starter = OnceStarter(try ForkStarter(worker, pool.layout, cancelled: nil) {}, slot: 1)
                let turn = try WorkerSharing(workers: 2, limit: nil).enter(wanting: 2)
                try PoolSupervisor.run(pool, starter, workers: 2, turn: turn) { _ in nil }
                turn.end()
                let result = batch.result()
                #expect(result.failures.count == 1)
                #expect(result.failures.first?.value.code == .exited)
                #expect(starter.refusals > 0)
            }
        }
    }
}

/// Starts a process in one slot once, and is refused from then on.
private final class OnceStarter: Starter {
    private let starter: ForkStarter
    var forker: Forker { starter.forker }
    private let slot: Int
    private var isSpent = false
    private var refused: [(slot: Int, process: Result<ProcessHandle, SystemError>)] = []
    private(set) var refusals = 0

    init(_ starter: ForkStarter, slot: Int) {
        self.starter = starter
        self.slot = slot
    }

    func begin(_ slots: [Int]) {
        let denied = isSpent ? slots.filter { $0 == slot } : []
        refusals += denied.count
        refused += denied.map { ($0, .failure(SystemError(call: "fork", code: EAGAIN))) }
        if slots.contains(slot) { isSpent = true }
        starter.begin(slots.filter { !denied.contains($0) })
    }

    func started(waiting: Bool) -> [(slot: Int, process: Result<ProcessHandle, SystemError>)] {
        defer { refused = [] }
        return starter.started(waiting: waiting) + refused
    }

    var startsAlone: Bool { true }
}
