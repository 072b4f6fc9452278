// SPDX-License-Identifier: Apache-2.0
import Glibc

/// What is to be tried: `ForkPoolFuzz region|decoder [--seed S] [--seconds N] [--iteration I]`.
struct FuzzOrder {
    enum Mode: String {
        case region
        case decoder
    }

    var mode = Mode.region
    /// The seed; with the iteration it determines everything random.
    var seed = UInt64.random(in: 1...UInt64(UInt32.max))
    var seconds = 15
    /// The only iteration to run, or the first one of a child.
    var iteration: Int?
    /// Whether this process is the tested one, not the watching one.
    var isChild = false

    init(_ arguments: [String]) {
        var left = arguments.dropFirst()
        guard let mode = left.popFirst().flatMap(Mode.init) else { Self.explain() }
        self.mode = mode
        while let word = left.popFirst() {
            guard word != "--child" else {
                isChild = true
                continue
            }
            guard let number = left.popFirst().flatMap({ UInt64($0) }) else { Self.explain() }
            switch word {
            case "--seed": seed = number
            case "--seconds": seconds = Int(number)
            case "--iteration": iteration = Int(number)
            default: Self.explain()
            }
        }
    }

    private static func explain() -> Never {
        print("usage: ForkPoolFuzz region|decoder [--seed S] [--seconds N] [--iteration I]")
        exit(64)
    }

    /// The command that runs a single iteration again.
    func again(_ iteration: Int) -> String {
        "scripts/fuzz --mode \(mode.rawValue) --seed \(seed) --iteration \(iteration)"
    }

    /// The seconds of the monotonic clock.
    static var now: Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
