// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolLaunch
import Glibc
import Testing

@Suite("A program that the system refuses to start", .enabled(if: Fault.isAvailable, "a release build has no faults"))
struct LaunchInjectionTests {
    @Test(
        "is an error that names the call and the errno, and leaves nothing",
        arguments: [
            LaunchCall("clone", EAGAIN), LaunchCall("dup2", EBUSY), LaunchCall("execve", ENOMEM),
            LaunchCall("fcntl_flags", EBADF, named: "dup2"), LaunchCall("fork", EAGAIN),
            LaunchCall("memfd_create", EMFILE), LaunchCall("open", ENOSPC), LaunchCall("mmap", ENOMEM),
            LaunchCall("perf_event_open", EACCES),
            LaunchCall("pidfd_open", EMFILE),
        ])
    func refused(_ call: LaunchCall) async {
        await #expect(processExitsWith: .success) { [call] in LaunchScenes.refused(call) }
    }

    @Test(
        "still starts where the call fails for a moment or is not needed",
        arguments: [
            LaunchCall("fallocate", EOPNOTSUPP), LaunchCall("open", EOPNOTSUPP), LaunchCall("prctl", EPERM),
            LaunchCall("waitpid", EINTR),
            LaunchCall("waitid", EINTR),
        ])
    func survived(_ call: LaunchCall) async {
        await #expect(processExitsWith: .success) { [call] in LaunchScenes.survived(call) }
    }
}

/// A call that fails, its errno, and the call that the error names.
struct LaunchCall: Codable, Sendable {
    let call: String
    let error: Int32
    let name: String

    init(_ call: String, _ error: Int32, named name: String? = nil) {
        self.call = call
        self.error = error
        self.name = name ?? call
    }
}

private enum LaunchScenes {
    /// Guards, captures and runs a program; returns its exit status.
    private static func launch() throws(SystemError) -> Int32? {
        let guardian = try CommandGuard()
        let file = try CaptureFile()
        try CaptureFile(inFolder: "/tmp").discard(0..<1)
        let words = ["sh", "-c", "exit 7"].map { Array($0.utf8) }
        let command = try CommandProcess(
            path: Array("/bin/sh".utf8), arguments: words, input: 0, output: file.descriptor, errors: 2,
            guarded: guardian)
        let end = command.reap()
        guardian.release(command)
        return end.status
    }

    /// Makes the call fail once while `body` runs; the rest of the process is as before.
    private static func fail(_ call: LaunchCall, _ body: () -> Void) {
        Scene.setDeadline()
        // First uses happen here, that of the faults' shared memory included.
        Fault.none.begin()
        #expect((try? launch()) == 7)
        let before = Census.now()
        Fault(call: call.call, role: .parent, first: 1, times: 1, error: call.error).begin()
        body()
        #expect(Fault.failures == 1)
        Fault.end()
        #expect(Census.now() == before)
        #expect((try? launch()) == 7)
    }

    static func refused(_ call: LaunchCall) {
        fail(call) {
            do throws(SystemError) {
                // Where a sandbox forbids counters, only the injected refusal counts.
                if call.call == "perf_event_open" { _ = try EventCounter(.instructions) }
                _ = try launch()
                Issue.record("nothing was thrown")
            } catch {
                #expect(error.call == call.name && error.code == call.error)
            }
        }
    }

    static func survived(_ call: LaunchCall) {
        fail(call) { #expect((try? launch()) == 7) }
    }
}
