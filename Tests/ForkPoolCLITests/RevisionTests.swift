// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPoolTestSupport
import Foundation
import Glibc
import Testing

@Suite("scripts/check-revisions")
struct RevisionTests {
    private let scratch: ScratchFolder
    private let script: String

    init() throws {
        scratch = try ScratchFolder()
        let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        script = here.appendingPathComponent("../../scripts/check-revisions").standardized.path
        // Revisions 0 to 7: the fourth has no tool, and the sixth computes ten times as much.
        let counts = [20_000, 20_001, 20_002, 20_003, 0, 20_005, 200_006, 200_007]
        try shell("git init -q -b main . && git config user.email a@b && git config user.name tester")
        for (number, count) in counts.enumerated() {
            let work = "exec awk 'BEGIN { for (i = 0; i < \(count); i++) x += i }'"
            try scratch.write(count == 0 ? "exit 1\n" : "#!/bin/sh\n\(work)\n", to: "tool")
            try scratch.write("test \(count) -ne 0 && chmod +x tool\n", to: "build")
            try shell("git add . && git commit -qm 'revision \(number)' && git tag r\(number)")
        }
    }

    /// Runs a script in the repository; `$check` is check-revisions.
    @discardableResult
    private func shell(_ text: String, code: Int32 = 0) throws -> String {
        let binary = try CommandRun.binary()
        let folder = URL(fileURLWithPath: binary).deletingLastPathComponent().path
        let run = try CommandRun(
            [], through: ["/bin/sh", "-c", "cd \"$0\" && \(text)", scratch.path, script], isWholeCommand: true,
            environment: ["PATH=\(folder):/usr/bin:/bin", "HOME=\(scratch.path)", "check=\(script)"], deadline: 300)
        #expect(run.code == code, "\(text): \(run.output)\(run.errors)")
        return run.output
    }

    private let options = "--build 'sh build' --metric cpu --limit 50% -- {}/tool"

    @Test("compares two revisions")
    func two() throws {
        try shell("\"$check\" r0 r5 \(options)")
        try shell("\"$check\" r0 r7 \(options)", code: 1)
        try shell("\"$check\" r0 r4 \(options)", code: 4)
    }

    @Test("--bisect finds the first slower revision, and passes over one that does not build")
    func bisect() throws {
        let found = try shell("\"$check\" --bisect r0 r7 \(options)", code: 1)
        #expect(found.hasPrefix("the first slower revision is:\n") && found.contains(" revision 6\n"), "\(found)")
        let none = try shell("\"$check\" --bisect r0 r5 \(options)")
        #expect(none == "r5 is not slower than r0\n")
        // Between the last fast one and the first slow one is only what does not build.
        try shell(
            "git checkout -q r3 && echo 'exit 1' >build && git commit -qam gone && git checkout -q r7 -- tool build "
                + "&& git commit -qam slow && git tag s")
        let several = try shell("\"$check\" --bisect r0 s \(options)", code: 3)
        #expect(
            several.contains("the first slower revision is one of these") && several.contains(" gone\n"), "\(several)")
    }
}
#endif
