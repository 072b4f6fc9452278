// SPDX-License-Identifier: Apache-2.0
#if !Command
import ForkPoolTestSupport
import Foundation
import Testing

@testable import ForkPoolCLI

@Suite("The command, where the trait Command is off")
struct WithoutTraitTests {
    @Test(
        "is tested by swift test --traits Command alone",
        .disabled("swift test --traits Command runs the command's tests"))
    func skipped() {}

    @Test("says in one line how to build it, and fails")
    func says() throws {
        let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            .deletingLastPathComponent().appendingPathComponent("forkpool").path
        let (output, errors) = (Pipe(), Pipe())
        let run = try Spawned(
            [program, "run"], environment: [], output: output.fileHandleForWriting.fileDescriptor,
            errors: errors.fileHandleForWriting.fileDescriptor)
        let status = try run.end(within: 60)
        for pipe in [output, errors] { try pipe.fileHandleForWriting.close() }
        #expect(status.map { $0 >> 8 } == 69)
        #expect(try output.fileHandleForReading.readToEnd() == nil)
        let said = try errors.fileHandleForReading.readToEnd().map { String(decoding: $0, as: UTF8.self) }
        #expect(said == WithoutTrait.message + "\n")
        #expect(WithoutTrait.message.contains("--traits Command"))
    }
}
#endif
