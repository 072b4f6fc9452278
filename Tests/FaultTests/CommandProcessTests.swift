// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolLaunch
import Glibc
import Testing

@Suite("A program that is started beside this one")
struct CommandProcessTests {
    @Test("has the arguments, the environment and the descriptors that it was given, and no others")
    func surroundings() async {
        await #expect(processExitsWith: .success) { CommandScenes.surroundings() }
    }

    @Test("tells how it ended and what it used")
    func ends() async {
        await #expect(processExitsWith: .success) { CommandScenes.ends() }
    }

    @Test("that cannot be started is a refusal with the call and the errno, and leaves nothing")
    func refusals() async {
        await #expect(processExitsWith: .success) { CommandScenes.refusals() }
    }

    @Test("ends with its group when it is killed, when it is dropped, and when this process ends")
    func kills() async {
        await #expect(processExitsWith: .success) { CommandScenes.kills() }
    }

    @Test("inherits no blocked and no caught signals, but the ignored ones")
    func signals() async {
        await #expect(processExitsWith: .success) { CommandScenes.signals() }
    }
}

private enum CommandScenes {
    private static func shell(
        _ script: String, environment: [String]? = nil, output: Int32 = 1
    ) throws -> CommandProcess {
        try CommandProcess(
            path: "/bin/sh", arguments: ["sh", "-c", script], environment: environment, input: 0, output: output,
            errors: 2)
    }

    /// Returns the output of a script.
    private static func output(of script: String, environment: [String]? = nil) throws -> String {
        let file = unsafe dup(fileno(tmpfile()!))
        defer { close(file) }
        let end = try shell(script, environment: environment, output: file).reap()
        #expect(end.status == 0)
        var bytes = [UInt8](repeating: 0, count: 4096)
        let length = unsafe pread(file, &bytes, bytes.count, 0)
        return String(decoding: bytes[..<max(length, 0)], as: UTF8.self)
    }

    static func surroundings() {
        Scene.setDeadline()
        do {
            let file = unsafe dup(fileno(tmpfile()!))
            let end = try CommandProcess(
                path: "/bin/echo", arguments: ["echo", "a b", "$HOME", ""], input: 0, output: file, errors: 2
            ).reap()
            #expect(end.status == 0 && end.signal == nil)
            var bytes = [UInt8](repeating: 0, count: 64)
            let length = unsafe pread(file, &bytes, 64, 0)
            #expect(String(decoding: bytes[..<length], as: UTF8.self) == "a b $HOME \n")
            #expect(try output(of: "echo $A-$B", environment: ["A=1", "B=x y"]) == "1-x y\n")
            unsafe setenv("FORKPOOL_TEST", "inherited", 1)
            #expect(try output(of: "echo $FORKPOOL_TEST") == "inherited\n")
            // Above the descriptors that the shell opens itself.
            let (kept, closing) = (fcntl(file, F_DUPFD, 500), fcntl(file, F_DUPFD_CLOEXEC, 500))
            let seen = try output(of: "for each in /proc/$$/fd/*; do echo ${each##*/}; done")
            let inherited = Set(seen.split(separator: "\n").compactMap { Int32($0) })
            #expect(inherited.isSuperset(of: [0, 1, 2, kept]) && !inherited.contains(closing))
            close(kept)
            close(closing)
            #expect(try output(of: "[ $(cut -d' ' -f5 /proc/$$/stat) = $$ ] && echo leads") == "leads\n")
            close(file)
        } catch {
            Issue.record(error)
        }
    }

    static func ends() {
        Scene.setDeadline()
        do {
            #expect(try shell("exit 42").reap().status == 42)
            #expect(try shell("kill -9 $$").reap().signal == SIGKILL)
            let busy = try shell("i=0; while [ $i -lt 200000 ]; do i=$((i + 1)); done").reap()
            #expect(busy.status == 0 && busy.userTime > 0 && busy.maxMemory > 0 && busy.minorFaults > 0)
        } catch {
            Issue.record(error)
        }
    }

    static func refusals() {
        Scene.setDeadline()
        let before = Census.now()
        for (path, call, code) in [
            ("/no/such/program", "execve", ENOENT), ("/tmp", "execve", EACCES), ("/etc/passwd", "execve", EACCES),
        ] {
            do {
                _ = try CommandProcess(path: path, arguments: [path], input: 0, output: 1, errors: 2)
                Issue.record("\(path) was started")
            } catch {
                #expect(error.call == call && error.code == code)
            }
        }
        do {
            _ = try CommandProcess(path: "/bin/true", arguments: ["true"], input: 99, output: 1, errors: 2)
            Issue.record("it was started")
        } catch {
            #expect(error.call == "dup2" && error.code == EBADF)
        }
        Scene.expectNothingLeft(since: before)
    }

    static func kills() {
        Scene.setDeadline()
        do {
            for isDropped in [false, true] {
                let pids = PidPipe()
                // The pipe stays open while any process of the group lives.
                var command: CommandProcess? = try shell("sleep 60 & printf here; wait", output: pids.writing)
                pids.closeWriting()
                _ = pids.receive()
                if isDropped {
                    command = nil
                } else {
                    command?.kill(SIGTERM)
                    #expect(command?.reap().signal == SIGTERM)
                }
                #expect(pids.everyWriterIsGone())
            }
            let pids = PidPipe()
            let parent = Process.fork()
            if parent == 0 {
                _ = try? shell("printf here; exec sleep 60", output: pids.writing).reap()
                _exit(0)
            }
            pids.closeWriting()
            _ = pids.receive()
            kill(parent, SIGKILL)
            #expect(Process.wait(for: parent) & 0x7f == SIGKILL)
            #expect(pids.everyWriterIsGone())
        } catch {
            Issue.record(error)
        }
    }

    static func signals() {
        Scene.setDeadline()
        do {
            signal(SIGUSR1) { _ in }
            signal(SIGUSR2, SIG_IGN)
            let text = try output(of: "cat /proc/self/status")
            func mask(_ name: String) -> UInt64? {
                text.split(separator: "\n").first { $0.hasPrefix(name) }
                    .flatMap { UInt64($0.split(separator: "\t")[1], radix: 16) }
            }
            let bit = { (number: Int32) in UInt64(1) << UInt64(number - 1) }
            #expect(mask("SigCgt") == 0)
            #expect((mask("SigIgn") ?? 0) & bit(SIGUSR2) != 0 && (mask("SigIgn") ?? .max) & bit(SIGUSR1) == 0)
        } catch {
            Issue.record(error)
        }
    }
}
