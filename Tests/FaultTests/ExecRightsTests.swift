// SPDX-License-Identifier: Apache-2.0
import CForkPool
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite struct ExecRightsTests {
    @Test(
        "G8: a worker has no capability that is not in effect, be it root's or an ambient one",
        .enabled(if: Credentials.canChange, "only root has capabilities to give up"), arguments: [Kind.exec])
    func idleCapabilities(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            for isRoot in [true, false] { ExecRightsScenes.idleCapabilities(kind, isRoot: isRoot) }
            ExecRightsScenes.inheritableCapability(kind)
        }
    }

    @Test(
        "G8: where capabilities cannot be given up there is no worker, and the failure says so",
        .enabled(if: Credentials.canChange && Fault.isAvailable, "it needs root and a debug build"),
        arguments: [Kind.exec])
    func keptCapabilities(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in ExecRightsScenes.keptCapabilities(kind) }
    }

    @Test(
        "G8: a program that cannot be loaded any more fails the map, and the failure says where to look",
        arguments: [Kind.exec])
    func notLoaded(_ kind: Kind) async {
        let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) { [kind] in
            ExecRightsScenes.notLoaded(kind)
        }
        let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(text.contains("libm.so.6: file too short"), "\(text)")
    }

    @Test(
        "G8: a worker's variable that no pool wrote ends the program, whatever its numbers are",
        arguments: [Kind.exec])
    func wildVariable(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { ExecRightsScenes.wildVariable() }
    }
}

private enum ExecRightsScenes {
    private static let (chroot, netRaw): (UInt32, UInt32) = (1 << 18, 1 << 13)

    /// Has one capability in effect and another one that is permitted alone, as root or as another user.
    private static func setCapabilities(isRoot: Bool, _ complaints: inout Complaints) {
        let both = chroot | netRaw
        if !isRoot {
            // PR_SET_KEEPCAPS.
            Raw.control(8, 1)
            let nobody = Credentials.nobody
            complaints.expect(Rights.setUser(real: nobody, effective: nobody, saved: nobody) == 0, "it stays root")
        }
        let isSet = Credentials.setCapabilities(chroot, permitted: both, inheritable: isRoot ? 0 : both) == 0
        complaints.expect(isSet, "the capabilities stay as they are")
        // PR_CAP_AMBIENT_RAISE.
        if !isRoot { for number in [18, 13] { Raw.control(47, 2, number) } }
    }

    static func idleCapabilities(_ kind: Kind, isRoot: Bool) {
        Host.warmUp(kind)
        Host.run("\(kind), root: \(isRoot)") { complaints in
            setCapabilities(isRoot: isRoot, &complaints)
            complaints.use(kind, workers: 1) { pool, complaints in
                for _ in 0..<2 {
                    complaints.expect(
                        pool.mapResults([.state(.effectiveCapabilities), .permittedCapabilities]),
                        [.value(Int(chroot)), .value(Int(chroot))], "in effect, permitted")
                    _ = pool.mapResults([.raise(SIGKILL)])
                }
            }
            complaints.expect(ThreadState.effectiveCapabilities.value == Int(chroot), "the caller's changed")
            complaints.expect(ThreadState.status("CapPrm", radix: 16) == Int(chroot | netRaw), "the caller's changed")
        }
    }

    /// Root's exec gives what is inheritable, too, even if the bounding set has it no more.
    static func inheritableCapability(_ kind: Kind) {
        Host.warmUp(kind)
        Host.run("\(kind), inheritable") { complaints in
            // Nothing that is not bound becomes inheritable.
            let all = UInt32(truncatingIfNeeded: ThreadState.status("CapPrm", radix: 16))
            var isSet = Credentials.setCapabilities(all, permitted: all, inheritable: netRaw) == 0
            // PR_CAPBSET_DROP.
            Raw.control(24, 13)
            isSet = isSet && Credentials.setCapabilities(chroot, permitted: chroot, inheritable: netRaw) == 0
            complaints.expect(isSet, "the capabilities stay as they are")
            complaints.use(kind, workers: 1) { pool, complaints in
                complaints.expect(
                    pool.mapResults([.state(.effectiveCapabilities), .permittedCapabilities]),
                    [.value(Int(chroot)), .value(Int(chroot))], "in effect, permitted")
            }
        }
    }

    static func keptCapabilities(_ kind: Kind) {
        Host.warmUp(kind)
        Host.run("\(kind)") { complaints in
            setCapabilities(isRoot: true, &complaints)
            Fault(call: "capset", role: .parent, first: 1, times: 100, error: EPERM).begin()
            do throws(ForkPool.Failure) {
                _ = try kind.start(Performer())
                complaints.expect(false, "it has workers")
            } catch {
                complaints.expect(error.message.contains("the system refused capset: "), "\(error)")
                complaints.expect(error.errno == EPERM, "\(error)")
            }
        }
    }

    static func notLoaded(_ kind: Kind) {
        Scene.leaveNothing { () throws in
            // An empty library, which the loader finds before the true one.
            let folder = Files.makeFolder()
            let library = folder + "/libm.so.6"
            close(unsafe open(library, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644))
            defer {
                _ = unsafe unlink(library)
                _ = unsafe rmdir(folder)
            }
            unsafe setenv("LD_LIBRARY_PATH", folder, 1)
            let pool = try kind.start(Performer())
            unsafe unsetenv("LD_LIBRARY_PATH")
            let failure = pool.mapResults([.give(1)])[0].failure
            #expect(failure?.exitStatus == 127 && failure?.bodyRan == .no, "\(String(describing: failure))")
            #expect(failure?.message.contains("its workers cannot be loaded; the last one (pid ") == true)
            pool.close()
        }
    }

    static func wildVariable() {
        Scene.setDeadline()
        let program = ProgramCopy()
        let made = cforkpool_memfd(4096)
        let memory = fcntl(made, F_DUPFD, 3)
        defer { for descriptor in [made, memory] { close(descriptor) } }
        let size = MemoryLayout<fenv_t>.size
        let (start, ones) = ("\(memory):0:PARENT:1:800000:ff:", String(repeating: "ff", count: size))
        let (noPool, noMemory) = ("is not one that a pool set", "its memory is not a pool's")
        let changed: (String, String) -> String = { (start + ones).replacing($0, with: $1) }
        let cases: [(value: String, text: String)] = [
            // Bits that no processor has.
            ("\(start)\(ones)", noMemory), ("\(start)\(String(repeating: "7f", count: size))", noMemory),
            (changed(":1:", ":0:"), noMemory), ("99\(start)\(ones)", "names no memory of a pool"),
            (changed("PARENT", "1"), "its parent is not the pool"),
            ("\(start)\(ones.uppercased())", noPool), ("\(start)\(ones)ff", noPool),
            ("\(start)\(ones.dropLast(2))", noPool), ("\(start)-1\(ones.dropLast(2))", noPool),
            ("+\(start)\(ones)", noPool), (changed(":1:", ":2:"), noPool), (changed(":ff:", ": ff:"), noPool),
            (changed(":ff:", ":1ffffffffffffffff:"), noPool),
        ]
        for (value, text) in cases {
            let (status, output) = program.run(["--help"], environment: ["FORKPOOL_WORKER=\(value)"])
            #expect(status == 121, "\(value): \(output)")
            #expect(output.contains("cannot be a worker: ") && output.contains(text), "\(value): \(output)")
        }
    }
}
