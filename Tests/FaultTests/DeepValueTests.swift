// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

/// Values that are nested so deeply that a recursion over them overflows a stack.
@Suite struct DeepValueTests {
    @Test("G14: a deep input is a failure of its item", arguments: Kind.resident)
    func inputs(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in DeepValueScenes.inputs(kind) }
    }

    @Test("G14: a deep result is a failure of its item", arguments: Kind.allCases)
    func results(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in DeepValueScenes.results(kind) }
    }

    @Test("G14: a deep error that a body throws is told, without the value", arguments: Kind.allCases)
    func errors(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in DeepValueScenes.errors(kind) }
    }

    @Test("G14: a thread with a small stack is no worse, at any depth", arguments: Kind.allCases)
    func smallStack(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in DeepValueScenes.smallStack(kind) }
    }

    @Test("G14: a deep property of a job is a failure of the start by exec")
    func job() async {
        await #expect(processExitsWith: .success) { DeepValueScenes.job() }
    }
}

/// A list of which each node holds the next.
final class Chain: Codable, @unchecked Sendable {
    private(set) var next: Chain?

    private init(_ next: Chain?) { self.next = next }

    static func of(_ length: Int) -> Chain {
        var chain = Chain(nil)
        for _ in 1..<max(length, 1) { chain = Chain(chain) }
        return chain
    }

    var length: Int { sequence(first: self) { $0.next }.reduce(0) { count, _ in count + 1 } }

    // By a loop: the release of one node by the other would be as deep a recursion.
    deinit {
        var rest = next
        next = nil
        while isKnownUniquelyReferenced(&rest) {
            let after = rest?.next
            rest?.next = nil
            rest = after
        }
    }
}

private struct TooDeep: Error, Codable, CustomStringConvertible {
    var chain: Chain
    var description: String { "it was too deep" }
}

struct Measuring: PlainJob {
    typealias Input = Chain
    typealias Output = Int
    func act(_ chain: Chain) throws -> Int { chain.length }
}

struct Growing: PlainJob {
    typealias Input = Int
    typealias Output = Chain
    func act(_ length: Int) throws -> Chain {
        if length < 0 { throw TooDeep(chain: .of(-length)) }
        return .of(length)
    }
}

struct Holding: PlainJob {
    typealias Input = Int
    typealias Output = Int
    var chain: Chain
    func act(_ item: Int) throws -> Int { chain.length + item }
}

private enum DeepValueScenes {
    /// The first is deeper than any usual stack; the second may fit, by the build.
    private static let depths = [100_000, 14_000]

    static func inputs(_ kind: Kind) {
        Scene.survive(Measuring(), kind, { pool throws in #expect(try pool.map([.of(3)]) == [3]) }) { pool throws in
            let results = pool.mapResults([.of(1)] + depths.map { .of($0) } + [.of(40)])
            #expect(results[0].value == 1 && results[3].value == 40)
            #expect(results[1].failure?.code == .notEncodable, "\(results[1])")
            #expect(results[1].failure?.bodyRan == .no && results[1].failure?.index == 1)
            #expect(results[1].failure?.message.contains("nested too deeply") == true, "\(results[1])")
            expectFit(results[2].value, results[2].failure, 14_000)
        }
    }

    /// What may fit is right or a failure of the coder.
    private static func expectFit(_ value: Int?, _ failure: ForkPool.Failure?, _ depth: Int) {
        if let value {
            #expect(value == depth)
        } else {
            #expect([.notEncodable, .notDecodable].contains(failure?.code), "\(String(describing: failure))")
            #expect(failure?.message.contains("nested too deeply") == true, "\(String(describing: failure))")
        }
    }

    static func results(_ kind: Kind) {
        Scene.survive(Growing(), kind, { pool throws in #expect(try pool.map([3])[0].length == 3) }) { pool throws in
            let results = pool.mapResults([1] + depths + [40])
            #expect(results[0].value?.length == 1 && results[3].value?.length == 40)
            #expect(results[1].failure?.code == .notEncodable, "\(String(describing: results[1].failure))")
            #expect(results[1].failure?.message.contains("nested too deeply") == true)
            expectFit(results[2].value?.length, results[2].failure, 14_000)
        }
    }

    static func errors(_ kind: Kind) {
        Scene.survive(Growing(), kind, { pool throws in #expect(try pool.map([3])[0].length == 3) }) { pool throws in
            let results = pool.mapResults([-5, -100_000])
            #expect(results[0].failure?.thrown?.decode(as: TooDeep.self)?.chain.length == 5)
            #expect(results[1].failure?.code == .thrown, "\(String(describing: results[1].failure))")
            #expect(results[1].failure?.message.contains("it was too deep") == true)
            #expect(results[1].failure?.thrown?.decode(as: TooDeep.self) == nil)
        }
    }

    /// Each depth up to what a small stack surely cannot hold, in a thread with 256 KiB.
    static func smallStack(_ kind: Kind) {
        Scene.setDeadline()
        let lengths = Array(stride(from: 1, to: 200, by: 9)) + [500, 2000, 14_000]
        let work: () -> Void = {
            Scene.run {
                let pool = try kind.start(Growing())
                for (length, result) in zip(lengths, pool.mapResults(lengths)) {
                    expectFit(result.value?.length, result.failure, length)
                }
                pool.close()
                guard kind != .oneShot else { return }
                let measuring = try kind.start(Measuring())
                for (length, result) in zip(lengths, measuring.mapResults(lengths.map { .of($0) })) {
                    expectFit(result.value, result.failure, length)
                }
                measuring.close()
            }
        }
        Process.onThread(stack: 256 << 10, work)
    }

    static func job() {
        Scene.leaveNothing { () throws in
            let pool = ForkPool(workers: 1)
            let refused = failure { () throws(ForkPool.Failure) in
                try pool.resident(Holding(chain: .of(100_000)), start: .exec)
            }
            #expect(refused?.code == .notEncodable && refused?.index == nil, "\(String(describing: refused))")
            #expect(refused?.message.contains("nested too deeply") == true, "\(String(describing: refused))")
            // A fork needs no code for it.
            let forked = try pool.resident(Holding(chain: .of(100_000)), start: .fork)
            #expect(try forked(1) == 100_001)
            forked.close()
            let shallow = try pool.resident(Holding(chain: .of(40)), start: .exec)
            #expect(try shallow(1) == 41)
            shallow.close()
        }
    }
}
