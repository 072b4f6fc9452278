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

    @Test("a map that began is not said to have waited in the queue", arguments: [1, 3])
    func began(_ hosts: Int) async {
        await #expect(processExitsWith: .success) { [hosts] in
            Hosts.setDeadline()
            let results = Hosts.run(hosts) { cluster throws in
                let ran = SharedCounter()
                let error = #expect(throws: ForkPool.Failure.self) {
                    try cluster.with { $0.deadline = .milliseconds(300) }.forEach(0..<100) { item in
                        ran.add(1)
                        if item > 0 { while true { pause() } }
                    }
                }
                guard let error else { return false }
                let says = "was not done within its deadline of 0.3 seconds"
                #expect(error.code == .timedOut && error.host != nil)
                #expect(ran.value == 0 || error.bodyRan == .unknown && error.message.contains(says), "\(error)")
                return true
            }
            #expect(results.allSatisfy { (try? $0.get()) == true })
        }
    }

    @Test("a failure of a host that began nothing is that of a map of which other items may have run")
    func began() {
        let pool = ForkPool(workers: 1).with { $0.deadline = .seconds(2) }
        let queued = ForkPool.Failure(.overdueInQueue(1), nil).named(nil, "h2").ofBegunMap(of: pool)
        #expect(queued.code == .timedOut && queued.bodyRan == .unknown && queued.host == "h2")
        #expect(queued.message.contains("was not done within its deadline of 2.0 seconds"))
        let refused = ForkPool.Failure(refused: SystemError(call: "fork", code: ENOMEM), index: nil)
        #expect(refused.bodyRan == .no && refused.ofBegunMap(of: pool).bodyRan == .unknown)
        #expect(refused.ofBegunMap(of: pool).message == refused.message)
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
