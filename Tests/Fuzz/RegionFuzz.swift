// SPDX-License-Identifier: Apache-2.0
import ForkPool
import Glibc

/// Lets bodies scribble on the memory that they share with the tested process: each map, call and stream must
/// end, with results or failures; afterwards it must answer right or not at all, and nothing may be left.
enum RegionFuzz {
    /// The most memory that the process may have for itself, in bytes.
    private static let memory: rlim_t = 4 << 30

    static func run(_ order: FuzzOrder) -> Never {
        FuzzChild.limit(RLIMIT_CORE, 0)
        FuzzChild.limit(RLIMIT_DATA, memory)
        // Make everything that stays for good before counting.
        _ = try? ForkPool(workers: 1).map(0..<1) { $0 }
        FuzzChild.loop(order) { iteration in
            let plan = Plan(order.seed, iteration)
            // The driver prints this note only if the process ends badly.
            FuzzChild.note("iteration \(iteration): \(plan.kind), \(plan.workers) workers, \(plan.count) items\n")
            Self.run(plan)
        }
    }

    private static func run(_ plan: Plan) {
        let before = Left.now()
        for (round, scribbles) in [true, true, false].enumerated() where !plan.isResident {
            plan.runOnce(round, scribbles)
        }
        if plan.isResident { plan.runResident() }
        // A thread that has finished frees its stack a little later.
        var after = Left.now()
        for _ in 0..<10_000 {
            if after == before { return }
            usleep(1000)
            after = Left.now()
        }
        if after != before { FuzzChild.fail("\(plan.kind): \(before) became \(after)") }
    }
}

/// The resources that a map could leave behind.
struct Left: Equatable {
    var descriptors: Int
    var hasChildren: Bool

    static func now() -> Left {
        var info = unsafe siginfo_t()
        let children = unsafe waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT)
        return Left(descriptors: (0..<256).count { fcntl($0, F_GETFD) >= 0 }, hasChildren: children == 0)
    }
}
