// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite struct WildJobTests {
    @Test(
        "B9: a body that writes anywhere into what it shares never crashes the parent, which can end it",
        arguments: Kind.allCases)
    func scribbles(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            if kind == .oneShot { await WildJobScenes.scribblesInMaps() } else { WildJobScenes.scribbles(kind) }
        }
    }
}

/// Writes random words at random addresses of its shared memory; does nothing for a negative item.
struct Scribbling: PlainJob {
    typealias Input = Int
    typealias Output = String

    func act(_ seed: Int) throws -> String {
        guard seed >= 0 else { return "item \(seed)" }
        var dice = Dice(state: UInt64(seed))
        let mappings = Files.sharedMappings
        for _ in 0..<200 {
            let mapping = mappings.randomElement(using: &dice)!
            // Most of the control data lies at the beginning.
            let reach = Bool.random(using: &dice) ? mapping.count : min(mapping.count, 4096)
            let address = mapping.lowerBound + Int.random(in: 0..<reach / 8, using: &dice) * 8
            let isWild = Bool.random(using: &dice)
            let word = isWild ? Int(truncatingIfNeeded: dice.next()) : Int.random(in: -2...64, using: &dice)
            unsafe UnsafeMutablePointer<Int>(bitPattern: address)!.pointee = word
        }
        return "item \(seed)"
    }
}

private enum WildJobScenes {
    static func scribbles(_ kind: Kind) {
        Scene.setDeadline()
        let pristine = Census.now()
        for seed in 0..<20 {
            do {
                let pool = try kind.start(Scribbling())
                #expect(try pool.map([-1, -2]) == ["item -1", "item -2"])
                // Any outcome but a crash is allowed, or none at all until the pool is ended.
                let calls = [-1, seed, -2, -3].map(pool.submit)
                for call in calls { _ = try? call.wait(for: .milliseconds(100)) }
                pool.cancel()
                for call in calls { _ = try? call.wait() }
                #expect(failure { () throws(ForkPool.Failure) in try pool(-1) } != nil)
            } catch {
                Issue.record(error)
            }
        }
        Scene.expectNothingLeft(since: pristine)
    }

    static func scribblesInMaps() async {
        await Scene.leaveNothing { () async throws in
            for seed in 0..<20 {
                let pool = try Kind.oneShot.start(Scribbling(), options: .init(chunk: .fixed(1)))
                let task = Task { await pool.mapResults([-1, seed, -2, -3]) }
                let ending = Task {
                    try? await Task.sleep(for: .milliseconds(100))
                    task.cancel()
                }
                let results = await task.value
                #expect(results.count == 4)
                ending.cancel()
            }
        }
    }
}
