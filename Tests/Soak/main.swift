// SPDX-License-Identifier: Apache-2.0
import Glibc

// Chaos and soak: scripts/soak says what it does.

var arguments = Array(CommandLine.arguments.dropFirst())
var setting = Setting(isLong: false, seed: UInt64.random(in: 0..<1_000_000_000))
var rounds: [Round] = []
var isRound = false

func usage() -> Never {
    say("usage: soak [--long] [--seed S] [\(Round.allCases.map(\.rawValue).joined(separator: " | "))]...", to: 2)
    exit(64)
}

while let argument = arguments.first {
    arguments.removeFirst()
    switch argument {
    case "--long": setting.isLong = true
    case "--seed":
        guard let seed = arguments.first.flatMap({ UInt64($0) }) else { usage() }
        arguments.removeFirst()
        setting.seed = seed
    case "--round": isRound = true
    case "--parent":
        Hidden.dieWithParent()
        Parents.beParent(arguments)
    case "--journal":
        Hidden.dieWithParent()
        JournalWork.beParent(arguments)
    default:
        guard let round = Round(rawValue: argument) else { usage() }
        rounds.append(round)
    }
}

if isRound {
    Hidden.dieWithParent()
    let start = monotonic()
    let line = rounds[0].run(setting)
    say("\(rounds[0]): \(line), \((monotonic() - start) / 1_000_000_000) s")
} else {
    Runner.run(rounds.isEmpty ? Round.allCases : rounds, setting)
}
