import Dispatch
import ForkPoolUnderTest
import Foundation

// One program for every way to build it: scripts/exec-matrix says what it does, by its first argument.

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
default: fail("what is there to be done?")
}

/// Writes a line for this run of main, if somebody counts them.
func appendRun() {
    guard let path = getenv("MAIN_RUNS"), let file = fopen(path, "a") else { return }
    fputs("\(getpid())\n", file)
    fclose(file)
}

func fail(_ what: String) -> Never {
    FileHandle.standardError.write(Data("exec-matrix: \(what)\n".utf8))
    exit(1)
}
