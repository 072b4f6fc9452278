// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Synchronization
import Testing

@Suite struct EnvironmentTests {
    @Test(
        "G9: pools that are made while threads change the environment at full speed have all that stays in it",
        arguments: [Kind.exec])
    func storm(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            for change in EnvironmentScenes.Change.allCases { EnvironmentScenes.storm(kind, change) }
        }
    }

    @Test("G9: each worker has the environment of the pool's start, whatever became of it", arguments: Kind.resident)
    func ofStart(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in EnvironmentScenes.ofStart(kind) }
    }

    @Test(
        "G9: each worker has the working directory and the file mode mask of the pool's start", arguments: Kind.resident
    )
    func folder(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in EnvironmentScenes.folder(kind) }
    }

    @Test(
        "G9: a worker has the present working directory where that of the pool's start is no place in its root any more",
        .enabled(if: Credentials.canChange, "only root can change the root"), arguments: [Kind.exec])
    func lostFolder(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            for loss in EnvironmentScenes.Loss.allCases { EnvironmentScenes.lostFolder(kind, loss) }
        }
    }

    @Test("G9: an environment that is empty, or has strange and large entries, is handed over", arguments: [Kind.exec])
    func strange(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in EnvironmentScenes.strange(kind) }
    }
}

/// Returns the value of a variable in a worker, or kills the worker if the name is empty.
struct Asking: PlainJob {
    typealias Input = String
    typealias Output = String?

    func act(_ name: String) throws -> String? {
        if name.isEmpty { Process.killSelf() }
        return unsafe getenv(name).map { unsafe String(cString: $0) }
    }
}

private enum EnvironmentScenes {
    /// What threads do to the environment.
    enum Change: CaseIterable {
        case otherValues
        case addAndRemove
        /// Removes the variable before all others, which then move.
        case removeFirst
        /// Makes the list grow and shrink.
        case manyNames

        func make(_ thread: Int, _ number: Int) {
            switch self {
            case .otherValues: unsafe setenv("STORM_\(thread)", "\(number % 1000)", 1)
            case .addAndRemove:
                _ = unsafe number % 2 == 0 ? setenv("STORM_\(thread)", "x", 1) : unsetenv("STORM_\(thread)")
            case .removeFirst:
                unsafe unsetenv("FIRST")
                unsafe setenv("FIRST", "x", 1)
            case .manyNames:
                let name = "STORM_\(thread)_\(number % 300)"
                _ = unsafe number / 300 % 2 == 0 ? setenv(name, "x", 1) : unsetenv(name)
            }
        }
    }

    private static func kept(_ number: Int) -> String { "KEPT_\(number)" }

    static func storm(_ kind: Kind, _ change: Change) {
        Scene.leaveNothing { () throws in
            for number in 0..<40 { unsafe setenv(kept(number), "value \(number)", 1) }
            let isOver = Box()
            let threads = PidPipe()
            for thread in 0..<3 {
                Process.onThread {
                    var number = 0
                    while !isOver.flag.load(ordering: .relaxed) {
                        change.make(thread, number)
                        number += 1
                    }
                    threads.send()
                }
            }
            for _ in 0..<10 {
                let pool = try kind.start(Asking(), workers: 1)
                let values = try pool.map((0..<40).map(kept))
                #expect(values == (0..<40).map { "value \($0)" }, "\(change)")
                pool.close()
            }
            isOver.flag.store(true, ordering: .relaxed)
            for _ in 0..<3 { _ = threads.receive() }
        }
    }

    private final class Box: Sendable {
        let flag = Atomic(false)
    }

    static func ofStart(_ kind: Kind) {
        Scene.leaveNothing { () throws in
            unsafe setenv("CHANGED", "at the start", 1)
            unsafe setenv("REMOVED", "at the start", 1)
            let pool = try kind.start(Asking(), workers: 1)
            unsafe setenv("CHANGED", "later", 1)
            unsafe setenv("ADDED", "later", 1)
            unsafe unsetenv("REMOVED")
            let names = ["CHANGED", "REMOVED", "ADDED", "FORKPOOL_WORKER"]
            for _ in 0..<3 {
                #expect(try pool.map(names) == ["at the start", "at the start", nil, nil])
                #expect(failure { () throws(ForkPool.Failure) in try pool("") }?.signal == SIGKILL)
            }
            pool.close()
        }
    }

    static func folder(_ kind: Kind) {
        Scene.leaveNothing { () throws in
            _ = unsafe chdir("/usr")
            umask(0o027)
            let own = [ThreadState.folder.value, ThreadState.fileMask.value]
            let pool = try kind.start(Performer(), workers: 1)
            _ = unsafe chdir("/tmp")
            umask(0o022)
            let states: [Deed] = [.state(.folder), .state(.fileMask)]
            for _ in 0..<3 {
                #expect(try pool.map(states) == own)
                #expect(failure { () throws(ForkPool.Failure) in try pool(.raise(SIGKILL)) }?.signal == SIGKILL)
            }
            pool.close()
            #expect([ThreadState.folder.value, ThreadState.fileMask.value] != own)
        }
    }

    /// How a working directory is lost.
    enum Loss: CaseIterable {
        case removed, replaced, forbidden, otherRoot
    }

    static func lostFolder(_ kind: Kind, _ loss: Loss) {
        Host.warmUp(kind)
        let folder = Files.makeFolder()
        let moved = folder + "-moved"
        Host.run("\(kind), \(loss)") { complaints in
            if loss == .otherRoot {
                complaints.expect(Raw.showAll(at: folder), "nothing is mounted: errno \(errno)")
            }
            _ = unsafe chdir(loss == .otherRoot ? "/var" : folder)
            complaints.use(kind, workers: 1) { pool, complaints in
                var isLost = unsafe chdir("/usr") == 0
                switch loss {
                case .removed: isLost = unsafe isLost && rmdir(folder) == 0
                case .replaced:
                    isLost = unsafe isLost && rename(folder, moved) == 0 && mkdir(folder, 0o755) == 0
                // The folder is root's alone.
                case .forbidden: Credentials.groupAndUser.change()
                case .otherRoot: isLost = unsafe isLost && Raw.changeRoot(to: folder) && chdir("/usr") == 0
                }
                complaints.expect(isLost, "it can be entered: errno \(errno)")
                let present = ThreadState.folder.value
                for _ in 0..<3 { _ = pool.mapResults([.raise(SIGKILL)]) }
                complaints.expect(pool.mapResults([.state(.folder)]), [.value(present)], "the folder")
            }
        }
        _ = unsafe rmdir(folder)
        _ = unsafe rmdir(moved)
    }

    static func strange(_ kind: Kind) {
        Scene.leaveNothing { () throws in
            let long = String(repeating: "x", count: 100_000)
            let names = ["A B", "É", "LONG", "EMPTY"]
            for (name, value) in zip(names, ["1", "2", long, ""]) { unsafe setenv(name, value, 1) }
            var pool = try kind.start(Asking(), workers: 1)
            #expect(try pool.map(names) == ["1", "2", long, ""])
            pool.close()
            clearenv()
            pool = try kind.start(Asking(), workers: 1)
            #expect(try pool.map(names) == [nil, nil, nil, nil])
            pool.close()
        }
    }
}

extension Raw {
    #if arch(x86_64)
    private static let chroot = 161
    #elseif arch(arm64)
    private static let chroot = 51
    #endif

    /// Has all that is mounted but /var appear once more below a folder, for this process.
    static func showAll(at folder: String) -> Bool {
        let (recursive, bind): (UInt, UInt) = (0x4000, 0x1000)
        return unsafe takeMounts()
            && mount("/", folder, nil, recursive | bind, nil) == 0
            && mount("none", folder + "/var", "tmpfs", 0, nil) == 0
    }

    static func changeRoot(to folder: String) -> Bool {
        unsafe folder.withCString { syscall(chroot, Int(bitPattern: $0)) } == 0
    }
}
