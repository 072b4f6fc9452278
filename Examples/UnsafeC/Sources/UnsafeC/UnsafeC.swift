// SPDX-License-Identifier: Apache-2.0
import ExampleSupport
import ForkPool

/// Uses a C library with static state in parallel.
@main
struct UnsafeC {
    static func main() async throws {
        let records = (1...2000).map { Record(number: $0) }
        let expected = records.map(\.digest)
        var expectations = Expectations()

        let digests = try await ForkPool().map(records) { Record.digest($0.text) }
        expectations.expect(digests == expected, "ForkPool: all \(records.count) digests are right")

        let withBad = Array(records[..<10]) + [Record(bad: "a=1;b")] + Array(records[10..<20])
        let outcomes = await ForkPool().mapResults(withBad) { Record.digest($0.text) }
        let right = zip(withBad, outcomes).count { record, outcome in (try? outcome.get()) == record.digest }
        expectations.expect(right == 20, "a text that crashes the library costs no other its digest:")
        for case .failure(let failure) in outcomes { print("      ", failure) }

        // How many are wrong is a matter of luck, so nothing is expected of it.
        let options = ForkPool.Options(timeout: .seconds(5), retries: 0)
        let wrongWay = try ForkPool(workers: 1, options: options).resident(WithoutLock(), start: .exec)
        do {
            print(
                "       a task group without a lock: \(try await wrongWay(Array(records[..<200]))) of 4000 digests are wrong"
            )
        } catch {
            print("       a task group without a lock:", error)
        }
        await wrongWay.finish()

        let results = try await compare(
            "\(records.count) texts",
            [
                Way("sequential") { records.map { Record.digest($0.text) } },
                Way("ForkPool") { try await ForkPool().map(records) { Record.digest($0.text) } },
                Way("task group with a lock") { await digestsWithLock(records) },
            ])
        expectations.expect(results.allSatisfy { $0 == expected }, "all of these digests are right")
        expectations.finish()
    }
}
