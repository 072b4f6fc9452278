// SPDX-License-Identifier: Apache-2.0
import ExampleSupport
import Glibc
import Logging

// CrashproofServer serve [PORT]    serves until SIGTERM or Ctrl-C
// CrashproofServer                 starts such a server and tries what can go wrong with it
let arguments = Array(CommandLine.arguments.dropFirst())
if arguments.isEmpty {
    do {
        try check().finish()
    } catch {
        print("FAILED", error)
        exit(1)
    }
} else if arguments[0] == "serve", arguments.count <= 2, let port = UInt16(arguments.dropFirst().first ?? "8080") {
    // The workers come first: no socket is open yet, and no other thread runs.
    let pool = try makePool()
    LoggingSystem.bootstrap(StreamLogHandler.standardError)
    try await serve(port: Int(port), pool: pool)
} else {
    print("usage: CrashproofServer [serve [PORT]]")
    exit(64)
}
