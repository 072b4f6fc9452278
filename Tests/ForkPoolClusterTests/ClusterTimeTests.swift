// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc
import Testing

@testable import ForkPool
@testable import ForkPoolCluster

@Suite("Times of maps over hosts")
struct ClusterTimeTests {
    @Test("a deadline ends a map on every host, and what has no outcome in mapResults fails for it")
    func deadline() async {
        await #expect(processExitsWith: .success) {
            Hosts.setDeadline()
            let results = Hosts.run(2) { cluster throws in
                let hasty = cluster.with { $0.deadline = .milliseconds(300) }
                let error = #expect(throws: ForkPool.Failure.self) {
                    try hasty.map(0..<100) { item in
                        if item == 3 { while true { pause() } }
                        return item
                    }
                }
                #expect(error?.code == .timedOut)
                let outcomes = hasty.mapResults(0..<100) { item in
                    if item >= 50 { while true { pause() } }
                    return item
                }
                for (item, outcome) in outcomes.enumerated() {
                    guard case .failure(let failure) = outcome else {
                        #expect(item < 50)
                        continue
                    }
                    #expect(failure.code == .timedOut && failure.index == item, "\(failure)")
                }
                #expect(outcomes[50...].allSatisfy { (try? $0.get()) == nil })
                return outcomes.map { "\($0)" }
            }
            #expect((try? results[0].get())?.count == 100)
            #expect((try? results[0].get()) == (try? results[1].get()))
        }
    }

    @Test("progress is that of all hosts, on the root alone")
    func progress() async {
        await #expect(processExitsWith: .success) {
            Hosts.setDeadline()
            let (calls, last) = (SharedCounter(), SharedCounter())
            var options = ForkPool.Options()
            options.progress = { progress in
                calls.add(1)
                #expect(progress.total == 300 && progress.done <= 300)
                if progress.done == 300 { last.add(1) }
            }
            let results = Hosts.run(3, options: options) { cluster throws in
                try cluster.forEach(0..<300) { _ in }
                return true
            }
            #expect(results.allSatisfy { (try? $0.get()) == true })
            #expect(calls.value >= 1 && last.value >= 1)
        }
    }
}
