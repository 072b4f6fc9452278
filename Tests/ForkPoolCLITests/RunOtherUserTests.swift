// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Glibc
import Testing

@Suite("forkpool run, with jobs that become another user")
struct RunOtherUserTests {
    /// Whether this process may become another user, and a program give the rights of root in a folder of /tmp.
    private static var canChange: Bool {
        var status = statvfs()
        let isKnown = unsafe statvfs("/tmp", &status) == 0
        return geteuid() == 0 && isKnown && status.f_flag & UInt(ST_NOSUID) == 0
            && FileManager.default.isExecutableFile(atPath: "/usr/bin/setpriv")
    }

    @Test(
        "leaves a job to itself that it may not end, and goes on with the others",
        .enabled(if: canChange, "it needs root, setpriv, and a /tmp where setuid programs work"))
    func cannotBeEnded() throws {
        let folder = try ScratchFolder()
        // Another user may run both from here: a copy of the command, and a program that becomes root for good.
        let (command, becoming) = (folder.path + "/forkpool", folder.path + "/become")
        try FileManager.default.copyItem(atPath: try CommandRun.binary(), toPath: command)
        try FileManager.default.copyItem(atPath: "/usr/bin/setpriv", toPath: becoming)
        for (path, mode) in [(folder.path, 0o755), (command, 0o755), (becoming, 0o4755)] {
            #expect(unsafe chmod(path, mode_t(mode)) == 0)
        }
        // The job ends by itself, some seconds after the run.
        let run = try CommandRun(
            ["--timeout", "100ms", becoming, "--reuid", "0", "--clear-groups", "sleep", ":::", "30", "0"],
            through: [
                "/usr/bin/setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", command, "run", "-j1",
            ],
            isWholeCommand: true)
        #expect(run.code == 124)
        #expect(
            run.errors.hasPrefix(
                "forkpool: job 1 (30): took too long or wrote too much, and could not be ended: kill: Operation not permitted"
            ), "\(run.errors)")
        #expect(!run.errors.contains("job 2"))
    }
}
#endif
