// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolCluster
import Glibc

// Figures, each the best of some runs: the machine does other things too.

extension Program {
    private var runs: Int { arguments.number("runs", 5) }

    private func best(_ body: () throws -> Double) rethrows -> Double {
        var best = Double.infinity
        for _ in 0..<runs { best = min(best, try body()) }
        return best
    }

    func chunk() throws {
        let count = arguments.number("items", 20_000)
        let range = arguments.number("range", 1)
        cluster.fixedRange = range
        defer { cluster.fixedRange = nil }
        let seconds = try best {
            try Clock.seconds { _ = try cluster.map(0..<count, deliver: .root) { $0 } }
        }
        let chunks = (count + range - 1) / range
        say("hosts=\(cluster.hosts) range=\(range) chunks=\(chunks) us=\(seconds / Double(chunks) * 1e6)")
    }

    func ideal() throws {
        let count = arguments.number("items", 3000)
        let sleep = arguments.number("sleep", 5000)
        let workers = cluster.pool.workers * cluster.hosts
        let seconds = try best {
            try Clock.seconds { try cluster.forEach(0..<count) { _ in usleep(UInt32(sleep)) } }
        }
        let ideal = Double(count * sleep) / Double(workers) / 1e6
        say("hosts=\(cluster.hosts) workers=\(workers) seconds=\(seconds) ideal=\(ideal) ratio=\(seconds / ideal)")
    }

    func delivery() throws {
        let count = arguments.number("items", 1_000_000)
        let busy = arguments.number("busy", 0)
        let body = { (number: Int) -> UInt64 in
            let end = busy > 0 ? Clock.microseconds() + busy : 0
            while busy > 0, Clock.microseconds() < end {}
            return Self.value(number)
        }
        var (all, alone) = (Double.infinity, Double.infinity)
        for _ in 0..<runs {
            all = min(all, try Clock.seconds { _ = try cluster.map(0..<count, body) })
            // The other hosts wait for the root meanwhile.
            if cluster.isRoot { alone = min(alone, try Clock.seconds { _ = try cluster.pool.map(0..<count, body) }) }
        }
        say("hosts=\(cluster.hosts) items=\(count) seconds=\(all) alone=\(alone) ratio=\(all / alone)")
    }
}
