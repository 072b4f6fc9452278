// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import ForkPool

@Suite("A failure")
struct FailureTests {
    private func ended(_ exit: ProcessExit) -> ForkPool.Failure {
        ForkPool.Failure(.ended(exit), 13)
    }

    private func ended(bySignal signal: Int32, _ crash: CrashReport? = nil) -> ForkPool.Failure {
        ended(ProcessExit(pid: 4711, .signal(signal), crash: crash))
    }

    private func ended(byExit status: Int32) -> ForkPool.Failure {
        ended(ProcessExit(pid: 4711, .exit(status)))
    }

    private func crash(
        _ signal: Int32, _ message: String = "", at address: UInt64 = 0x10, overflow: Bool = false
    ) -> CrashReport {
        CrashReport(signal: signal, address: address, isStackOverflow: overflow, message: message)
    }

    @Test("of a trap is a sentence with item, worker, signal, message and place")
    func trap() {
        let message = "App/Parser/Parser.swift:88: Fatal error: Index out of range\n"
        let failure = ended(bySignal: 4, crash(4, message))
        #expect(
            failure.description
                == "item 13 crashed its worker (pid 4711): SIGILL, Fatal error: Index out of range at Parser.swift:88")
        #expect(failure.code == .crashed && failure.index == 13 && failure.pid == 4711 && failure.signal == 4)
        #expect(failure.bodyRan == .yes && failure.attempt == 1)
        #expect(failure.exitStatus == nil && failure.errno == nil && failure.thrown == nil)
    }

    @Test(
        "of a crash without a message says what its signal means",
        arguments: [
            (
                4,
                "SIGILL, a trap of Swift: a failed precondition, an index out of range, an overflow or a nil unwrapped "
                    + "(a release build has no message)"
            ),
            (
                5,
                "SIGTRAP, a trap of Swift: a failed precondition, an index out of range, an overflow or a nil unwrapped "
                    + "(a release build has no message)"
            ),
            (6, "SIGABRT, abort() was called"),
            (7, "SIGBUS, a bad memory access at 0xbeef, or no memory left for a mapped page"),
            (8, "SIGFPE, an arithmetic error such as a division by zero"),
            (11, "SIGSEGV, a bad memory access at 0xbeef"),
            (31, "SIGSYS, a system call that is not allowed"),
        ] as [(Int32, String)])
    func signals(number: Int32, text: String) {
        let failure = ended(bySignal: number, crash(number, at: 0xBEEF))
        #expect(failure.description == "item 13 crashed its worker (pid 4711): " + text)
        #expect(failure.code == .crashed)
    }

    @Test("of a crash that left no record is a crash all the same, at an address that is not known")
    func noRecord() {
        #expect(
            ended(bySignal: 11).description
                == "item 13 crashed its worker (pid 4711): SIGSEGV, a bad memory access at an unknown address")
        #expect(ended(bySignal: 6).code == .crashed)
    }

    @Test("of an overflow of the stack says so")
    func stackOverflow() {
        #expect(
            ended(bySignal: 11, crash(11, overflow: true)).description
                == "item 13 crashed its worker (pid 4711): SIGSEGV, stack overflow: the recursion is too deep")
    }

    @Test("of a signal from outside names it, with a hint at memory for SIGKILL alone")
    func killed() {
        let killed = ended(bySignal: 9)
        #expect(
            killed.description
                == "item 13 was ended when SIGKILL killed its worker (pid 4711); if nobody sent it, the "
                + "system ran out of memory: use fewer workers or less memory")
        #expect(killed.code == .killed && killed.signal == 9)
        #expect(
            ended(bySignal: 15).description
                == "item 13 was ended when SIGTERM killed its worker (pid 4711)")
    }

    @Test("of an exit carries the status, and what to do instead")
    func exited() {
        let failure = ended(byExit: 3)
        #expect(
            failure.description
                == "item 13 ended its worker (pid 4711) by exit(3); return from the body or throw instead")
        #expect(failure.code == .exited && failure.exitStatus == 3 && failure.signal == nil)
        #expect(ended(byExit: 0).exitStatus == 0)
    }

    @Test("of a status that the host took says why it is lost")
    func lost() {
        let failure = ended(ProcessExit(pid: 4711, .unknown))
        #expect(
            failure.description
                == "item 13 was ended with its worker (pid 4711); its status is lost, since this process ignores SIGCHLD "
                + "or reaps every child")
        #expect(failure.code == .lost)
    }

    @Test("that a worker reported says what was thrown, or why there is no result")
    func reported() {
        let thrown = ForkPool.Failure(WorkerError(throwing: Plain(reason: "dull")), 2)
        #expect(thrown.description == "item 2 threw Plain")
        #expect(thrown.thrown?.description == "Plain")
        #expect(thrown.code == .thrown && thrown.bodyRan == .yes && thrown.pid == getpid())
        let described = ForkPool.Failure(
            WorkerError(throwing: Plain(reason: "dull")).described(by: Plain(reason: "dull")), 2)
        #expect(described.description == "item 2 threw Plain: it was dull")

        let full = ForkPool.Failure(WorkerError(encoding: BinaryEncoder.OutOfSpace(capacity: 8)), 2)
        #expect(
            full.description
                == "item 2 has a result that does not fit into what is left of its worker's memory; use more workers or "
                + "return less")
        #expect(full.code == .noMemory)
        let refused = ForkPool.Failure(WorkerError(encoding: Plain(reason: "secret")), 2)
        #expect(refused.description == "item 2 has a result that cannot be encoded: it was secret")
        #expect(refused.code == .notEncodable && refused.bodyRan == .yes && refused.thrown == nil)
    }

    @Test("gives back what was thrown, if it is Codable and its type is asked for")
    func decode() {
        let codable = ForkPool.Failure(WorkerError(throwing: Coded(line: 7, text: "x")), 0)
        #expect(codable.thrown?.decode(as: Coded.self) == Coded(line: 7, text: "x"))
        #expect(codable.thrown?.decode(as: OtherCoded.self) == nil)
        let plain = ForkPool.Failure(WorkerError(throwing: Plain(reason: "dull")), 0)
        #expect(plain.thrown != nil)
        #expect(plain.thrown?.decode(as: Coded.self) == nil)
        let halfway = ForkPool.Failure(WorkerError(throwing: Stubborn()), 0)
        #expect(halfway.description == "item 0 threw Stubborn")
        #expect(halfway.thrown?.decode(as: Coded.self) == nil)
    }

    @Test("has no item where the map as a whole failed")
    func wholeMap() {
        let cancelled = ForkPool.Failure(FailureCause.cancelled, nil)
        #expect(cancelled.description == "the map was cancelled" && cancelled.index == nil)
        #expect(cancelled.code == .cancelled)
        #expect(ForkPool.Failure(FailureCause.cancelled, 4).description == "item 4 was cancelled")
        let last = ProcessExit(pid: 1, .signal(11), crash: crash(11, at: 0x20))
        let unreachable = ForkPool.Failure(.unreachable(last), nil)
        #expect(
            unreachable.description
                == "the map could not be run: 32 workers in a row ended before they reached an item; the last one (pid 1) "
                + "crashed: SIGSEGV, a bad memory access at 0x20")
        #expect(unreachable.code == .crashed && unreachable.bodyRan == .no)
        let threaded = ForkPool.Failure.threaded(7)
        #expect(
            threaded.description
                == "the map was refused: this process has 7 threads and Options.refusesThreads is set; map before they "
                + "start")
        #expect(threaded.code == .threadsRefused && threaded.bodyRan == .no && threaded.index == nil)
    }

    @Test(
        "of workers that end one after the other says how the last one did",
        arguments: [
            (ProcessExit(pid: 9, .exit(3)), "ended by exit(3)"),
            (ProcessExit(pid: 9, .signal(SIGTERM)), "was killed by SIGTERM"),
            (
                ProcessExit(pid: 9, .unknown),
                "ended; its status is lost, since this process ignores SIGCHLD or reaps every child"
            ),
        ])
    func unreachable(exit: ProcessExit, text: String) {
        #expect(
            ForkPool.Failure(.unreachable(exit), nil).description
                == "the map could not be run: 32 workers in a row ended before they reached an item; the last one (pid 9) "
                + text)
        let often = ForkPool.Failure(.restartedTooOften(.init(5, within: .seconds(1)), exit), 2)
        #expect(
            often.description
                == "item 2 could not be run: more than 5 workers had to be replaced within 1.0 seconds; the last one (pid 9) "
                + text)
    }

    @Test("of a program that cannot be loaded, or refuses to be a worker, says where to look and blames no body")
    func failedStarts() {
        var exit = ProcessExit(pid: 9, .exit(127))
        // Of a worker at work these are statuses as others.
        #expect(ForkPool.Failure(.unreachable(exit), nil).description.hasSuffix("(pid 9) ended by exit(127)"))
        exit.isBeforeWork = true
        let unloaded = ForkPool.Failure(.unreachable(exit), nil)
        #expect(
            unloaded.description
                == "the map could not be run: its workers cannot be loaded; the last one (pid 9) ended with status 127 before "
                + "main, as the dynamic loader ends what it cannot load; standard error has its message: check the "
                + "program's libraries and LD_LIBRARY_PATH")
        #expect(unloaded.code == .exited && unloaded.exitStatus == 127 && unloaded.bodyRan == .no)
        exit.status = .exit(121)
        let refused = ForkPool.Failure(.unreachable(exit), nil)
        #expect(
            refused.description
                == "the map could not be run: 32 workers in a row ended before they reached an item; the last one (pid 9) "
                + "refused with status 121 to be a worker; its reason is on standard error")
        #expect(refused.exitStatus == 121 && refused.bodyRan == .no)
        // A fork was not loaded, and a worker that noted its exit ran.
        var (fork, noted) = (exit, exit)
        fork.isFork = true
        noted.isNoted = true
        for exit in [fork, noted] {
            #expect(ForkPool.Failure(.unreachable(exit), nil).description.hasSuffix("(pid 9) ended by exit(121)"))
        }
    }

    @Test(
        "of a refusal names the call, the errno and what to do",
        arguments: [
            (
                "mmap", 12, ForkPool.Failure.Code.noMemory,
                "the map could not be run: the system refused mmap: Cannot allocate memory (errno 12); raise the limit "
                    + "on address space (ulimit -v) or allow overcommit (vm.overcommit_memory), or use fewer workers"
            ),
            (
                "fork", 11, .forkRefused,
                "the map could not be run: the system refused fork: Resource temporarily unavailable (errno 11); raise "
                    + "the limit on processes (ulimit -u, pids.max) or use fewer workers"
            ),
            (
                "pidfd_open", 24, .forkRefused,
                "the map could not be run: the system refused pidfd_open: Too many open files (errno 24); raise the "
                    + "limit on open files (ulimit -n) or use fewer workers"
            ),
            (
                "eventfd", 23, .forkRefused,
                "the map could not be run: the system refused eventfd: Too many open files in system (errno 23); raise "
                    + "the system's limit on open files (fs.file-max) or use fewer workers"
            ),
            (
                "fork", 12, .forkRefused,
                "the map could not be run: the system refused fork: Cannot allocate memory (errno 12); free "
                    + "memory, allow overcommit (vm.overcommit_memory) or start workers by exec; after "
                    + "unshare(CLONE_NEWPID) fork once and map in the child, which must live as long as the workers"
            ),
        ] as [(String, Int32, ForkPool.Failure.Code, String)])
    func refused(call: String, code: Int32, kind: ForkPool.Failure.Code, sentence: String) {
        let failure = ForkPool.Failure(refused: SystemError(call: call, code: code), index: nil)
        #expect(failure.description == sentence)
        #expect(failure.code == kind && failure.errno == code && failure.bodyRan == .no)
        let ofItem = ForkPool.Failure(.refused(SystemError(call: call, code: code)), 3)
        #expect(ofItem.description == "item 3" + sentence.dropFirst("the map".count))
    }

    @Test("of damaged memory or a result that does not decode says so")
    func damaged() {
        let corrupted = ForkPool.Failure.corrupted(3, "its state is damaged")
        #expect(
            corrupted.description
                == "item 3 has no result: its state is damaged; a body wrote where it must not")
        #expect(corrupted.code == .corrupted && corrupted.bodyRan == .unknown)
        let missing = ForkPool.Failure.errorMissing(3)
        #expect(missing.description == "item 3 failed, and its worker had no memory left to say why; use more workers")
        #expect(missing.code == .noMemory)
        let undecodable = ForkPool.Failure.notDecodable(3, Plain(reason: "torn"))
        #expect(undecodable.description == "item 3 has a result that cannot be decoded: it was torn")
        #expect(undecodable.code == .notDecodable && undecodable.bodyRan == .yes)
    }
}

private struct Plain: Error, CustomStringConvertible {
    var reason: String
    var description: String { "it was \(reason)" }
}

private struct Coded: Error, Codable, Equatable {
    var line: Int
    var text: String
}

private struct OtherCoded: Error, Codable, Equatable {
    var names: [String: Int]
}

/// An error with an encoding that fails.
private struct Stubborn: Error, Encodable {
    func encode(to encoder: any Encoder) throws {
        throw Plain(reason: "stubborn")
    }
}
