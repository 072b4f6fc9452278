// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite struct StackTests {
    @Test("G12: a body has as much stack as a caller with a large one", arguments: Kind.allCases)
    func largeThread(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in StackScenes.largeThread(kind) }
    }

    @Test(
        "G12: under an unlimited stack, and one that setrlimit widened, a body has as much as its caller",
        .enabled(if: StackScenes.canBeUnlimited, "the hard limit is too low"), arguments: Kind.allCases)
    func widened(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            StackScenes.widened(kind, atStart: rlim_t.max, later: nil)
            StackScenes.widened(kind, atStart: 8 << 20, later: 64 << 20)
        }
    }
}

/// Makes pools on the main thread of its own process, whose stack has the limit that the process began with.
struct OnMainThread: ForkPool.Job {
    var kind: Kind
    /// The limit to set before, in bytes.
    var limit: rlim_t?

    func run(_ mebibytes: Int) async throws -> Int {
        try await MainActor.run {
            _ = try ForkPool(workers: 1).map(0..<1) { $0 }
            if let limit { StackScenes.setLimit(limit) }
            // The caller itself has that much.
            _ = try Deed.recurse(mebibytes: mebibytes).perform()
            let pool = try kind.start(Performer(), workers: 1)
            let result = try pool.map([.recurse(mebibytes: 6), .recurse(mebibytes: mebibytes)])
            pool.close()
            return result[1]
        }
    }
}

enum StackScenes {
    fileprivate static let canBeUnlimited = limits.rlim_max == rlim_t.max

    private static var limits: rlimit {
        var limits = rlimit()
        unsafe getrlimit(__rlimit_resource_t(RLIMIT_STACK.rawValue), &limits)
        return limits
    }

    static func setLimit(_ size: rlim_t) {
        var limits = limits
        limits.rlim_cur = size
        let result = unsafe setrlimit(__rlimit_resource_t(RLIMIT_STACK.rawValue), &limits)
        precondition(result == 0, "the limit stays: errno \(errno)")
    }

    static func largeThread(_ kind: Kind) {
        Scene.leaveNothing { () throws in
            // Whatever thread the first map made is not to be the one that forks all later workers.
            _ = try ForkPool(workers: 1).map(0..<1) { $0 }
            let thread = Threads.start(stackSize: 64 << 20) {
                do throws(ForkPool.Failure) {
                    let pool = try kind.start(Performer(), workers: 1)
                    #expect(try pool.map([.recurse(mebibytes: 6), .recurse(mebibytes: 40)]) == [6, 40])
                    // What has no end is still an overflow of the stack.
                    let failure = pool.mapResults([.overflowStack])[0].failure
                    #expect(failure?.code == .crashed)
                    #expect(failure?.message.contains("stack") == true, "\(failure.map { "\($0)" } ?? "")")
                    pool.close()
                } catch {
                    Issue.record(error)
                }
            }
            pthread_join(thread, nil)
        }
    }

    /// Has an exec worker, which begins with a limit, make the pools and set another limit before.
    fileprivate static func widened(_ kind: Kind, atStart: rlim_t, later: rlim_t?) {
        let before = limits
        Scene.leaveNothing { () throws in
            setLimit(atStart)
            defer { setLimit(before.rlim_cur) }
            let pool = try ForkPool(workers: 1).resident(OnMainThread(kind: kind, limit: later), start: .exec)
            #expect(try pool.map([40]) == [40])
            pool.close()
        }
    }
}
