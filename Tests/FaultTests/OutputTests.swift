// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite struct OutputTests {
    @Test(
        "G10: lines of two workers to a pipe and to a file are there once and whole when their items have ended",
        arguments: Kind.allCases)
    func whole(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            for target in StandardOutput.Target.allCases { OutputScenes.whole(kind, target) }
        }
    }

    @Test(
        "G10: lines of items that ended are there when a later item aborts, is killed, exits or exceeds its time",
        arguments: Kind.allCases)
    func laterItem(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            for target in StandardOutput.Target.allCases { OutputScenes.laterItems(kind, target) }
        }
    }

    @Test("G10: no line is lost or doubled when a pool is closed, cancelled or dropped", arguments: Kind.allCases)
    func endOfPool(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in OutputScenes.endOfPool(kind) }
    }

    @Test("G10: no line is lost or doubled when the host exits with a pool that is alive", arguments: Kind.allCases)
    func endOfHost(_ kind: Kind) async {
        let result = await #expect(processExitsWith: .exitCode(0), observing: [\.standardOutputContent]) { [kind] in
            Scene.setDeadline()
            StandardOutput.buffer()
            let pool = try kind.start(Speaker())
            _ = pool.mapResults((0..<20).map { .line($0) })
            withExtendedLifetime(pool) { exit(0) }
        }
        let text = String(decoding: result?.standardOutputContent ?? [], as: UTF8.self)
        let lines = text.split(separator: "\n").filter { $0.hasPrefix("line") }
        #expect(lines.map(String.init).sorted() == OutputScenes.lines(0..<20), "\(text)")
    }

    @Test("G10: the last line without an end is there when a worker ends or exits", arguments: Kind.allCases)
    func incomplete(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in OutputScenes.incomplete(kind) }
    }

    @Test(
        "G10: setUp, tearDown, threads of a body, a map in a body and a body with its own buffer print whole lines",
        arguments: Kind.allCases)
    func manners(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            for target in StandardOutput.Target.allCases { OutputScenes.manners(kind, target) }
        }
    }

    @Test("G10: output that the system refuses costs no item", arguments: Kind.allCases)
    func refused(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in OutputScenes.refused(kind) }
    }

    // A forked worker has copies of the host's streams, too, so it flushes none but the standard ones.
    @Test(
        "G10: what a body wrote to a stream of its own is in the file when a worker by exec ends or exits, beside a held one",
        arguments: [Kind.exec])
    func ownStream(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in OutputScenes.ownStream(kind) }
    }

    // Exec workers have no state of the host's streams.
    @Test(
        "G10: what the host set for its streams stays, and a thread of the host that holds one is no hindrance",
        arguments: [Kind.oneShot, .residentBody, .residentJob])
    func streamsOfHost(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in OutputScenes.heldByThread(kind) }
        await #expect(processExitsWith: .success) { [kind] in OutputScenes.unbuffered(kind) }
        await #expect(processExitsWith: .success) { [kind] in OutputScenes.bufferedErrors(kind) }
    }
}

private enum OutputScenes {
    private static let options = ForkPool.Options(chunk: .fixed(1))

    /// What is to be printed for some numbers.
    static func lines(_ numbers: some Sequence<Int>) -> [String] { numbers.map { Speech.text($0) }.sorted() }

    /// Starts a pool that prints, and takes what its workers print when they begin.
    private static func start(
        _ kind: Kind, _ output: StandardOutput, options: ForkPool.Options = options
    ) throws -> AnyPool<Speaker> {
        let pool = try kind.start(Speaker(), options: options)
        _ = pool.mapResults([.act(.give(0)), .act(.give(0))])
        _ = output.text()
        return pool
    }

    /// The lines of items; a worker that replaces another one, or that is late, prints that it begins.
    private static func lines(_ output: StandardOutput) -> [String] {
        output.lines().filter { $0 != "set up" && $0 != "torn down" }
    }

    static func whole(_ kind: Kind, _ target: StandardOutput.Target) {
        Scene.leaveNothing { () throws in
            let output = StandardOutput(target)
            let pool = try start(kind, output)
            for round in 0..<5 {
                let numbers = round * 100..<round * 100 + 100
                #expect(pool.mapResults(numbers.map { .line($0) }).allSatisfy { $0.failure == nil })
                #expect(lines(output) == lines(numbers))
            }
            pool.close()
            #expect(lines(output) == [])
        }
    }

    static func laterItems(_ kind: Kind, _ target: StandardOutput.Target) {
        let deeds: [Deed] = [.raise(SIGABRT), .raise(SIGKILL), .exit(3), .exitAtOnce(4), .spring(.index), .spin]
        for (number, deed) in deeds.enumerated() {
            Scene.leaveNothing { () throws in
                let output = StandardOutput(target)
                var options = options
                if number == deeds.count - 1 { options.timeout = .milliseconds(200) }
                let pool = try start(kind, output, options: options)
                let results = pool.mapResults((0..<20).map { .line($0) } + [.both(.line(20), then: .act(deed))])
                #expect(results.map { $0.failure == nil } == Array(repeating: true, count: 20) + [false])
                #expect(lines(output) == lines(0...20), "\(deed)")
                pool.close()
                #expect(lines(output) == [])
            }
        }
    }

    static func endOfPool(_ kind: Kind) {
        for end in 0..<3 {
            Scene.leaveNothing { () throws in
                let output = StandardOutput(.pipe)
                do {
                    let pool = try start(kind, output)
                    _ = pool.mapResults((0..<20).map { .line($0) })
                    if end == 0 { pool.close() }
                    if end == 1 { pool.cancel() }
                }
                #expect(lines(output) == lines(0..<20))
            }
        }
    }

    static func incomplete(_ kind: Kind) {
        Scene.leaveNothing { () throws in
            let output = StandardOutput(.pipe)
            let pool = try start(kind, output)
            let exits = pool.mapResults([.both(.part("a b c"), then: .act(.exit(3)))])
            #expect(exits[0].failure?.exitStatus == 3)
            #expect(output.text().replacing("set up\n", with: "") == "a b c")
            _ = pool.mapResults([.part("d e f")])
            // A worker of a resident pool has written it before it waits for the next item, so nothing is lost now.
            awaitText("d e f", output)
            pool.cancel()
            #expect(!output.text().contains("d e f"))
        }
    }

    /// Waits for a text, within a minute.
    private static func awaitText(_ wanted: String, _ output: StandardOutput) {
        var text = ""
        for _ in 0..<60_000 where !text.contains(wanted) {
            text += output.text()
            usleep(1000)
        }
        #expect(text.contains(wanted), "\(text)")
    }

    static func ownStream(_ kind: Kind) {
        Scene.leaveNothing { () throws in
            let path = "/tmp/forkpool-stream-\(getpid())"
            defer { _ = unsafe unlink(path) }
            let output = StandardOutput(.pipe)
            let pool = try start(kind, output)
            let exits = pool.mapResults([.both(.held, then: .both(.file(path, 1), then: .act(.exit(3))))])
            #expect(exits[0].failure?.exitStatus == 3)
            #expect(Files.text(path) == Speech.text(1) + "\n")
            _ = pool.mapResults([.both(.held, then: .file(path, 2)), .file(path, 3)])
            pool.close()
            #expect(Files.lines(path).map(String.init).sorted() == lines(1...3))
            // A worker that finds the list of streams held ends all the same.
            let other = try start(kind, output)
            #expect(other.mapResults([.heldList]).allSatisfy { $0.failure == nil })
            other.close()
        }
    }

    static func manners(_ kind: Kind, _ target: StandardOutput.Target) {
        Scene.leaveNothing { () throws in
            let output = StandardOutput(target)
            let pool = try kind.start(Speaker(), options: options)
            let speeches: [Speech] = [.threads(Array(0..<20)), .map(Array(20..<40)), .ownBuffer(40)]
            #expect(pool.mapResults(speeches).allSatisfy { $0.failure == nil })
            pool.close()
            let seen = output.lines()
            // A closure has neither setUp nor tearDown, and not each worker need have begun.
            let begins = seen.count { $0 == "set up" }
            #expect([.residentJob, .exec].contains(kind) ? 1...2 ~= begins : begins == 0)
            #expect(seen.count { $0 == "torn down" } == begins)
            let others = seen.filter { $0 != "set up" && $0 != "torn down" }
            let wanted = (lines(0...40) + ["before after"]).sorted()
            #expect(others == wanted, "\(Set(others).symmetricDifference(wanted)), \(others.count) lines")
        }
    }

    static func refused(_ kind: Kind) {
        signal(SIGPIPE, SIG_IGN)
        var ends: [Int32] = [-1, -1]
        _ = unsafe pipe(&ends)
        close(ends[0])
        let full = unsafe open("/dev/full", O_WRONLY)
        for target in [-1, full, ends[1]] {
            Scene.leaveNothing { () throws in
                let output = StandardOutput(to: target)
                let pool = try kind.start(Speaker(), options: options)
                #expect(pool.mapResults((0..<50).map { .line($0) }).allSatisfy { $0.failure == nil })
                pool.close()
                withExtendedLifetime(output) {}
            }
        }
    }

    static func heldByThread(_ kind: Kind) {
        Scene.setDeadline()
        do {
            let output = StandardOutput(.pipe)
            print("of the host, not flushed", terminator: "")
            let (held, over) = (PidPipe(), PidPipe())
            Process.onThread {
                unsafe flockfile(StandardOutput.stream)
                held.send()
                _ = over.receive()
                unsafe funlockfile(StandardOutput.stream)
                held.send()
            }
            _ = held.receive()
            let pool = try kind.start(Speaker(), options: options)
            #expect(pool.mapResults((0..<20).map { .line($0) }).allSatisfy { $0.failure == nil })
            pool.close()
            #expect(lines(output) == lines(0..<20))
            over.send()
            _ = held.receive()
            unsafe fflush(StandardOutput.stream)
            #expect(output.text() == "of the host, not flushed")
        } catch {
            Issue.record(error)
        }
    }

    static func bufferedErrors(_ kind: Kind) {
        Scene.setDeadline()
        do {
            let output = StandardOutput(.pipe)
            let errors = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)
            dup2(STDOUT_FILENO, STDERR_FILENO)
            unsafe setvbuf(StandardOutput.errors, nil, _IOFBF, 4096)
            let pool = try start(kind, output)
            _ = pool.mapResults([.both(.error(1), then: .act(.raise(SIGKILL)))])
            #expect(lines(output) == [Speech.text(1)])
            pool.close()
            dup2(errors, STDERR_FILENO)
        } catch {
            Issue.record(error)
        }
    }

    static func unbuffered(_ kind: Kind) {
        Scene.setDeadline()
        do {
            let output = StandardOutput(.pipe)
            unsafe setvbuf(StandardOutput.stream, nil, _IONBF, 0)
            let pool = try start(kind, output)
            _ = pool.mapResults([.both(.part("no end of line"), then: .act(.raise(SIGKILL)))])
            // Without a buffer, what a worker prints when it begins comes in two parts, at any moment.
            let text = output.text().replacing("set up", with: "").replacing("\n", with: "")
            #expect(text == "no end of line")
            pool.close()
        } catch {
            Issue.record(error)
        }
    }
}
