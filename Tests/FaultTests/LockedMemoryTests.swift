// SPDX-License-Identifier: Apache-2.0
import ForkPool
import Glibc
import Testing

@Suite(.enabled(if: Fault.isAvailable, "a release build has no way to make a call fail"))
struct LockedMemoryTests {
    @Test("A: a crash is seen also where the system takes no page back, and an earlier map left its results there")
    func states() async {
        await #expect(processExitsWith: .success) {
            Scene.setDeadline()
            let pool = ForkPool(workers: 2, options: .init(warmMemory: 0))
            Fault(call: "madvise", role: .parent, first: 1, times: 1, error: EINVAL).forEver.begin()
            let all = Array(0..<100_000)
            #expect(pool.mapResults(all) { $0 }.compactMap { try? $0.get() } == all)
            #expect(Fault.failures > 0)
            let results = pool.mapResults(all) { item -> Int in
                if item == 90_000 { abort() }
                return item + 1
            }
            Fault.end()
            #expect(results[90_000].failure?.code == .crashed, "\(results[90_000])")
            let wrong = results.enumerated().filter { $0.offset != 90_000 && $0.element.value != $0.offset + 1 }
            #expect(wrong.isEmpty, "\(wrong.count) wrong, the first is \(wrong[0])")
        }
    }
}
