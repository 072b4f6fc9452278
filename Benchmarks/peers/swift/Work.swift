// SPDX-License-Identifier: Apache-2.0
import ForkPool
import Glibc

/// The bodies that every pool runs, as jobs, so that exec workers can run them.
enum Work {
    static let mebibyte = 1 << 20

    struct Same: ForkPool.Job {
        func run(_ item: Int) -> Int { item }
    }

    struct Big: ForkPool.Job {
        func run(_ item: Int) -> [UInt8] { [UInt8](repeating: UInt8(truncatingIfNeeded: item), count: mebibyte) }
    }

    struct Nap: ForkPool.Job {
        func run(_ item: Int) -> Int {
            usleep(100_000)
            return item
        }
    }

    /// Computes the generator of Park and Miller: from seed 1 its 10 000th number is 1043618065.
    struct Churn: ForkPool.Job {
        var turns = 2_000_000

        func run(_ item: Int) -> Int {
            var x = item + 1
            for _ in 0..<turns { x = x * 16807 % 2_147_483_647 }
            return x
        }
    }

    struct SameButSeven: ForkPool.Job {
        func run(_ item: Int) -> Int {
            if item == 7 { kill(getpid(), SIGKILL) }
            usleep(1000)
            return item
        }
    }

    static func areBig(_ results: [[UInt8]], _ count: Int) -> Bool {
        results.count == count
            && results.indices.allSatisfy { results[$0].count == mebibyte && results[$0].last == UInt8($0) }
    }
}
