// SPDX-License-Identifier: Apache-2.0
import Dispatch
import ForkPoolUnderTest
import Foundation

// One program for every way to build it; its first argument, from scripts/exec-matrix, says what to do.

if getenv("CALLS_BOOTSTRAP") != nil { ForkPool.bootstrap() }
appendRun()
alarm(60)
let arguments = CommandLine.arguments
switch arguments.count > 1 ? arguments[1] : "" {
case "right": try Checks.right()
case "busy": try await Checks.busy()
case "surroundings": try Checks.surroundings()
case "deleted": try Checks.withoutFile { unlink(arguments[2]) == 0 }
case "replaced": try Checks.withoutFile { rename(arguments[3], arguments[2]) == 0 }
case "refused": Checks.refused()
case "needs-bootstrap": Checks.needsBootstrap()
default: fail("usage: the first argument must name a check")
}

/// Counts this run of main with a line in the file that MAIN_RUNS names, if set.
func appendRun() {
    guard let path = getenv("MAIN_RUNS"), let file = fopen(path, "a") else { return }
    fputs("\(getpid())\n", file)
    fclose(file)
}

func fail(_ what: String) -> Never {
    FileHandle.standardError.write(Data("exec-matrix: \(what)\n".utf8))
    exit(1)
}
