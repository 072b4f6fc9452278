// SPDX-License-Identifier: Apache-2.0
import ForkPool
import Glibc

// This library in the rows of scripts/compare-peers: ForkPoolPeers POOL ROW COUNT.

let arguments = CommandLine.arguments
guard arguments.count == 4, let count = Int(arguments[3]) else {
    print("usage: ForkPoolPeers oneshot|inplace|resident|exec|async ROW COUNT")
    exit(64)
}

let row: Row? =
    switch arguments[1] {
    case "oneshot": try OneShot().row(arguments[2], count)
    case "inplace": try InPlace().row(arguments[2], count)
    case "resident": try Warm(.fork).row(arguments[2], count)
    case "exec": try Warm(.exec).row(arguments[2], count)
    case "async": try Streams().inTasks(arguments[2], count)
    default: nil
    }

switch row {
case .took(let nanoseconds, let second): print(nanoseconds, second.map(String.init) ?? "")
case .damage(let got, let then): print("got \(got)\nthen \(then)")
case nil:
    print("no row \(arguments[2]) of \(arguments[1])")
    exit(64)
}
