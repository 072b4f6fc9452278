// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Testing

@testable import ForkPool

@Suite("Options of single calls")
struct CallOptionsTests {
    @Test("start as those of the pool, and change for one pool alone")
    func values() {
        let options = ForkPool.Options(
            timeout: .seconds(3), retries: 4, retryReasons: .crash, retryPause: .milliseconds(5))
        let pool = ForkPool(workers: 2, options: options)
        let own = pool.callOptions
        #expect(own.timeout == .seconds(3) && own.retries == 4 && own.retryReasons == .crash)
        #expect(own.retryPause == .milliseconds(5) && own.deadline == nil && own.priority == 0)
        let other = pool.with {
            $0.timeout = nil
            $0.deadline = .seconds(1)
            $0.priority = -2
        }
        #expect(other.callOptions != own && pool.callOptions == own)
        #expect(other.callOptions.timeout == nil && other.callOptions.deadline == .seconds(1))
        #expect(other.callOptions.priority == -2 && other.callOptions.retries == 4)
        #expect(other.workers == 2 && other.options == options)
        #expect(other.with { _ in }.callOptions == other.callOptions)
        #expect(other.with { $0.retries = 0 }.callOptions.deadline == .seconds(1))
    }

    @Test("allow no timeout that is not above zero, and no negative number of attempts")
    func preconditions() async throws {
        let timeout = try #require(
            await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
                _ = ForkPool(workers: 1).with { $0.timeout = .zero }
            })
        expectMessage("ForkPool: timeout must be at least a nanosecond, not 0.0 seconds", in: timeout)
        let retries = try #require(
            await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
                _ = ForkPool(workers: 1).with { $0.retries = -1 }
            })
        expectMessage("ForkPool: retries must be at least 0, not -1", in: retries)
        let pause = try #require(
            await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
                Alone.run {
                    _ = try ForkPool(workers: 1).resident { (x: Int) in x }.with { $0.retryPause = .seconds(-2) }
                }
            })
        expectMessage("ForkPool: retryPause must be at least zero, not -2.0 seconds", in: pause)
    }

    @Test("share the workers, whatever else they ask for, and end with the last reference to any of them")
    func lives() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                func make() throws -> ForkPool.Resident<Int, Int32?> {
                    let pool = ForkPool(workers: 1, options: .init(retries: 3)).with { $0.deadline = .seconds(600) }
                    return try pool.resident { (_: Int) in ForkPool.worker?.pid }
                }
                var first: ForkPool.Resident<Int, Int32?>? = try make()
                #expect(first?.callOptions.deadline == .seconds(600) && first?.callOptions.retries == 3)
                var second = first?.with { $0.priority = 3 }
                #expect(try first?(1) != nil && first?(1) == second?(2))
                let worker = try second?(3)
                first = nil
                #expect(try second?(4) == worker)
                #expect(try Array(second!.stream([5])).map { try $0.result.get() } == [worker!])
                second = nil
                #expect(Alone.hasNoChild)
                let pool = try make()
                pool.with { $0.retries = nil }.close()
                #expect(throws: ForkPool.Failure.self) { try pool(1) }
                #expect(Alone.hasNoChild)
            }
        }
    }
}
