// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc
import Testing

@testable import ForkPool

@Suite struct ArenaTests {
    // A forked worker of a job maps the memory like one of a closure.
    @Test(
        "B9: a worker that writes to another's arena crashes, and the other's results stand",
        arguments: [Kind.oneShot, .residentBody, .exec])
    func trespass(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in ArenaScenes.trespass(kind) }
    }
}

/// Returns a string, or writes to another worker's arena.
struct Trespass: Codable, Sendable {
    var item: Int
    var isTrespass: Bool

    /// Overwrites worker 0's results, or in worker 0 those of worker 1.
    func act(_ arenas: Arenas) -> String {
        guard isTrespass else { return "value \(item)" }
        let other = ForkPool.worker?.index == 0 ? 1 : 0
        unsafe memset(arenas.memory(other).baseAddress!, 0xA5, 64)
        return "written"
    }
}

/// The same in a worker by exec, which finds the memory by the descriptor that it was mapped from.
struct TrespassJob: ForkPool.Job {
    func run(_ input: Trespass) async throws -> String {
        // The region's first mapping begins with the shape, which says where everything is.
        let line = Files.lines("/proc/self/maps").first { $0.contains("/memfd:") }
        let start = line.flatMap { UInt($0.split(separator: "-")[0], radix: 16) } ?? 0
        let base = unsafe UnsafeMutableRawPointer(bitPattern: start)!
        return input.act(unsafe RegionLayout(base: base, shape: RegionLayout.readShape(base)).arenas)
    }
}

private enum ArenaScenes {
    private static let tasks = (0..<12).map { Trespass(item: $0, isTrespass: $0 == 6) }

    /// Expects that the one item crashed its worker, and no other item suffered.
    private static func expectOneCrash(_ results: [Result<String, ForkPool.Failure>]) {
        for (item, result) in results.enumerated() {
            if item == 6 {
                #expect(result.failure?.code == .crashed)
                #expect(result.failure?.signal == SIGSEGV)
            } else {
                #expect(result.value == "value \(item)", "\(String(describing: result.failure))")
            }
        }
    }

    static func trespass(_ kind: Kind) {
        Scene.run {
            guard kind == .exec else {
                let pool = try Scribbler(kind) { reach in reach.give(coded: tasks[reach.item].act(reach.arenas)) }
                for _ in 0..<2 { expectOneCrash(try pool.words(12)) }
                return
            }
            let pool = try ForkPool(workers: 2, options: .init(chunk: .fixed(1))).resident(TrespassJob(), start: .exec)
            for _ in 0..<2 { expectOneCrash(pool.mapResults(tasks)) }
            pool.close()
        }
    }
}
