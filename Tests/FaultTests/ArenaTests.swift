import Glibc
import Testing

@testable import ForkPool

@Suite struct ArenaTests {
    @Test("B9: a worker of a map that writes to another's arena crashes, and the other's results stand")
    func oneShot() async {
        await #expect(processExitsWith: .success) { ArenaScenes.oneShot() }
    }

    @Test("B9: a forked resident worker that writes to another's arena crashes, and the other's results stand")
    func resident() async {
        await #expect(processExitsWith: .success) { ArenaScenes.resident() }
    }

    @Test("B9: an exec'd worker that writes to another's arena crashes, and the other's results stand")
    func exec() async {
        await #expect(processExitsWith: .success) { ArenaScenes.exec() }
    }
}

/// Returns a string, unless it is to write to the arena of the worker beside it, which lies so many bytes from its own.
struct Trespass: Codable, Sendable {
    var item: Int
    var isTrespass: Bool

    /// Writes over where worker 0's results are, or else over where worker 1's are.
    func act(_ arenas: Arenas) -> String {
        guard isTrespass else { return "value \(item)" }
        let other = ForkPool.worker?.index == 0 ? 1 : 0
        unsafe memset(arenas.memory(other).baseAddress!, 0xA5, 64)
        return "written"
    }
}

/// The same in a worker that is started by exec, which finds the memory by the descriptor that it was mapped from.
struct TrespassJob: ForkPool.Job {
    func run(_ input: Trespass) async throws -> String {
        // The memory's beginning, which only the front of the region has, says where everything is.
        let line = Files.text("/proc/self/maps").split(separator: "\n").first { $0.contains("/memfd:") }
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

    static func oneShot() {
        Scene.setDeadline()
        do {
            let outcome = try Bench.map(.coded(12)) { region, _, item, writer in
                _ = writer.encode(tasks[item].act(region.arenas), at: item)
            }
            expectOneCrash(outcome.decodedResults(as: String.self))
        } catch {
            Issue.record(error)
        }
    }

    static func resident() {
        Scene.setDeadline()
        do {
            let pool = try Scribbler { memory, _, item, desk in
                _ = desk.encode(tasks[item].act(memory.arenas), at: item)
            }
            for _ in 0..<2 { expectOneCrash(try pool.map(12, stride: 16).1.decodedResults(as: String.self)) }
        } catch {
            Issue.record(error)
        }
    }

    static func exec() {
        Scene.setDeadline()
        do {
            let pool = try ForkPool(workers: 2, options: .init(chunk: .fixed(1))).resident(TrespassJob(), start: .exec)
            for _ in 0..<2 { expectOneCrash(pool.mapResults(tasks)) }
            pool.close()
        } catch {
            Issue.record(error)
        }
    }
}
