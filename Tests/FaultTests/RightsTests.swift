// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite struct RightsTests {
    private static let needsRoot: Comment = "NOT RUN: it needs root, and a /tmp where files may give rights"

    @Test(
        "G8: a program that gives rights runs its main when its caller has set a worker's variable",
        .enabled(if: Rights.canBeChanged, needsRoot), arguments: [Kind.exec])
    func runsMain(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { RightsScenes.runsMain() }
    }

    @Test(
        "G8: a worker refuses memory that another user made", .enabled(if: Rights.canBeChanged, needsRoot),
        arguments: [Kind.exec])
    func memoryOfOther(_ kind: Kind) async {
        let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) { [kind] in
            RightsScenes.memoryOfOther(kind)
        }
        let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(text.contains("cannot be a worker: its memory was made by another user"), "\(text)")
    }

    @Test(
        "G8: a pool is refused where its workers would have other rights than the process, and else it works",
        .enabled(if: Rights.canBeChanged, needsRoot), arguments: [Kind.exec])
    func otherRights(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { RightsScenes.otherRights() }
    }

    @Test("G8: a program that the dynamic loader was started with says so and starts no worker", arguments: [Kind.exec])
    func loader(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { RightsScenes.loader() }
    }

    @Test("G8: a program whose file cannot be executed any more says so", arguments: [Kind.exec])
    func notExecutable(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { RightsScenes.notExecutable() }
    }

    @Test("G8: processes that cannot be workers say so in whole lines", arguments: [Kind.exec])
    func wholeLines(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { RightsScenes.wholeLines() }
    }
}

/// What the copies of the test program run.
@Suite struct AskedProgram {
    static let variable = "FORKPOOL_ASKED"
    static let words = ["--testing-library", "swift-testing", "--filter", "AskedProgram"]

    @Test(
        "Says whether it can have workers by exec",
        .enabled(if: unsafe getenv(variable) != nil, "tests with the id G8 run it in a program of its own"))
    func answer() {
        let changes = unsafe String(cString: getenv(Self.variable)!).split(separator: ",")
        for change in changes { Rights(rawValue: String(change))?.change() }
        do throws(ForkPool.Failure) {
            let pool = try Kind.exec.start(Performer(), workers: 1)
            print("answer: \(try pool(.give(7)))")
            pool.close()
        } catch {
            print("answer: \(error.code) \(error)")
        }
    }
}

private enum RightsScenes {
    static func runsMain() {
        Scene.setDeadline()
        let worker = ["FORKPOOL_WORKER=junk", "FORKPOOL_WORKER=3:4:0:PARENT:ff"]
        let plain = ProgramCopy()
        for variable in worker {
            let (status, text) = plain.run(["--help"], environment: [variable], isNobody: true)
            #expect(status == 121)
            #expect(text.hasPrefix("forkpool: this process cannot be a worker: "), "\(text)")
        }
        let privileged = [
            ProgramCopy(mode: 0o4755), ProgramCopy(mode: 0o2755), ProgramCopy(hasCapabilities: true),
        ]
        for program in privileged {
            let wanted = program.run(["--help"], isNobody: true)
            #expect(wanted.status == 0 && wanted.text.contains("Run all the tests"), "\(wanted)")
            for variable in worker {
                #expect(program.run(["--help"], environment: [variable], isNobody: true) == wanted)
            }
        }
    }

    static func memoryOfOther(_ kind: Kind) {
        Scene.run {
            // The pool is another user's, and so is its memory; then root is back, and starts the next workers.
            let nobody = ProgramCopy.nobody
            #expect(Rights.setUser(real: nobody, effective: nobody, saved: 0) == 0)
            let pool = try kind.start(Performer(), workers: 1)
            #expect(try pool(.give(7)) == 7)
            #expect(Rights.setUser(real: 0, effective: 0, saved: 0) == 0)
            // A spare process may be there already.
            var last: ForkPool.Failure?
            for _ in 0..<5 { last = pool.mapResults([.raise(SIGKILL)])[0].failure }
            #expect(last?.exitStatus == 121 && last?.bodyRan == .no, "\(String(describing: last))")
            let text = " refused with status 121 to be a worker; its reason is on standard error"
            #expect(last?.message.hasSuffix(text) == true, "\(String(describing: last))")
            pool.cancel()
        }
    }

    static func otherRights() {
        Scene.setDeadline()
        let plain = ProgramCopy()
        let setuid = ProgramCopy(mode: 0o4755)
        let setgid = ProgramCopy(mode: 0o2755)
        let capable = ProgramCopy(hasCapabilities: true)
        let works = "answer: 7\n"
        let hasOther = "this process has rights that its user does not have"
        let fileGives = "this program's file has capabilities"
        let cases: [(program: ProgramCopy, isNobody: Bool, changes: String, answer: String)] = [
            (plain, false, "", works), (plain, true, "", works), (plain, false, "drop", works),
            (setuid, false, "", works), (setgid, false, "", works),
            (setuid, true, "", hasOther), (setgid, true, "", hasOther), (capable, true, "", hasOther),
            (plain, false, "effective", hasOther),
            // Their workers gain nothing by exec.
            (setuid, false, "drop", works), (plain, false, "capability", works), (capable, false, "drop", fileGives),
            (setuid, false, "drop,noNewPrivileges", works), (capable, false, "drop,noNewPrivileges", fileGives),
            (plain, false, "capability,noNewPrivileges", works),
        ]
        for (program, isNobody, changes, answer) in cases {
            let (status, text) = program.run(
                AskedProgram.words, environment: ["\(AskedProgram.variable)=\(changes)"], isNobody: isNobody)
            #expect(status == 0, "\(changes): \(text)")
            #expect(text.contains(answer), "\(changes): \(text)")
            if answer != works { #expect(text.contains("answer: notRunnable"), "\(text)") }
        }
    }

    static func loader() {
        Scene.setDeadline()
        let map = Files.lines("/proc/self/maps").first { $0.contains("/ld-linux") }
        guard let loader = map?.split(separator: " ").last else {
            Issue.record("the loader was not found")
            return
        }
        let (status, text) = ProgramCopy().run(
            AskedProgram.words, environment: ["\(AskedProgram.variable)="], loader: String(loader))
        #expect(status == 0, "\(text)")
        #expect(text.contains("answer: notRunnable"), "\(text)")
        #expect(text.contains("this program was started as an argument of the dynamic loader"), "\(text)")
    }

    static func notExecutable() {
        Scene.setDeadline()
        let (status, text) = ProgramCopy().run(
            AskedProgram.words, environment: ["\(AskedProgram.variable)=\(Rights.noFile.rawValue)"])
        #expect(status == 0, "\(text)")
        #expect(text.contains("answer: notRunnable"), "\(text)")
        #expect(text.contains("this program cannot be started again: the system refused access: "), "\(text)")
        #expect(text.contains("Permission denied (errno 13)"), "\(text)")
    }

    static func wholeLines() {
        Scene.setDeadline()
        let program = ProgramCopy()
        var ends: [Int32] = [-1, -1]
        _ = unsafe pipe(&ends)
        let children = (0..<40).map { _ in program.start([], ["FORKPOOL_WORKER=junk"], output: ends[1]) }
        close(ends[1])
        let lines = ProgramCopy.read(ends[0]).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(children.map { Process.wait(for: $0) } == Array(repeating: 121 << 8, count: 40))
        #expect(lines.count == 41)
        #expect(Set(lines.dropLast()).count == 1)
        #expect(lines.last == "")
    }
}
