// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolLaunch
import Glibc
import Testing

@Suite("A counter of what programs do")
struct EventCounterTests {
    @Test("counts a program that is started after it, with its children, once it has ended, and not this process")
    func counts() async {
        await #expect(processExitsWith: .success) { CounterScenes.counts() }
    }

    @Test("is refused for an event that does not exist")
    func refusal() async {
        await #expect(processExitsWith: .success) {
            #expect(throws: SystemError.self) { try EventCounter(EventCounter.Event(type: 12345, config: 0)) }
        }
    }
}

private enum CounterScenes {
    /// What the kernel counts by itself, without a counter of the processor: PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK.
    private static let taskClock = EventCounter.Event(type: 1, config: 1)

    private static func shell(_ script: String) throws(SystemError) -> CommandEnd {
        try CommandProcess(path: "/bin/sh", arguments: ["sh", "-c", script], input: 0, output: 1, errors: 2).reap()
    }

    static func counts() {
        Scene.setDeadline()
        do {
            // The least of several runs of an empty program; other load on the machine adds to some.
            var one = UInt64.max
            for _ in 0..<3 {
                let counter = try EventCounter(taskClock)
                var sum: UInt64 = 0
                for number in 0..<1_000_000 { sum &+= UInt64(number) &* sum | 1 }
                #expect(counter.count == 0 && sum != 0)
                _ = try shell("exit 0")
                one = min(one, UInt64(counter.count ?? 0))
            }
            #expect(one > 0)
            // The kernel moves counters between processes: count each of many programs by its own.
            for _ in 0..<20 {
                let counter = try EventCounter(taskClock)
                // The child computes; the program itself does next to nothing.
                _ = try shell("sh -c 'i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done'; :")
                #expect((counter.count ?? 0) > 2 * one)
            }
        } catch {
            // A sandbox or a setting forbids counters.
            #expect(error.call == "perf_event_open" && [EACCES, EPERM, ENOSYS].contains(error.code))
        }
    }
}
