// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import ForkPool

@Suite struct DeadlockTextTests {
    @Test("a private wait without an end is read from the texts of both architectures")
    func privateWait() {
        #expect(Texts().sample?.futex == 0x55b6_5d4b_62c0)
        let arm = "98 0xffffa1b2c3d0 0x189 0x0 0x0 0x0 0xffffffff 0xffffd5a4b2c0 0xffffa1a2b3c4\n"
        #expect(Texts(call: arm).sample(futexCall: 98)?.futex == 0xffff_a1b2_c3d0)
        // On the other architecture the number is another call.
        #expect(Texts(call: arm).sample(futexCall: 202)?.futex == nil)
        #expect(Texts().sample(futexCall: 98)?.futex == nil)
    }

    @Test(
        "FUTEX_WAIT and FUTEX_WAIT_BITSET are waits, by whatever clock",
        arguments: ["0x80", "0x180", "0x89", "0x189", "0xffffffff00000189"])
    func waits(operation: String) {
        #expect(Texts(call: "202 0x10 \(operation) 0x0 0x0 0x0 0xffffffff 0x20 0x30\n").sample?.futex == 0x10)
    }

    @Test(
        "no other call is such a wait",
        arguments: [
            // Shared; with a timeout; a wake, LOCK_PI, LOCK_PI2, WAIT_REQUEUE_PI and an operation that there is not.
            "202 0x10 0x0 0x0 0x0 0x0 0x0 0x20 0x30\n", "202 0x10 0x109 0x0 0x0 0x0 0x0 0x20 0x30\n",
            "202 0x10 0x80 0x0 0x7ffe61a1aff0 0x0 0x0 0x20 0x30\n", "202 0x10 0x81 0x0 0x0 0x0 0x0 0x20 0x30\n",
            "202 0x10 0x86 0x0 0x0 0x0 0x0 0x20 0x30\n", "202 0x10 0x8d 0x0 0x0 0x0 0x0 0x20 0x30\n",
            "202 0x10 0x18b 0x0 0x0 0x0 0x0 0x20 0x30\n", "202 0x10 0x280 0x0 0x0 0x0 0x0 0x20 0x30\n",
            // A read, a wait for several words, and texts that are none or not whole.
            "0 0x10 0x80 0x0 0x0 0x0 0x0 0x20 0x30\n", "449 0x10 0x80 0x0 0x0 0x0 0x0 0x20 0x30\n", "running\n",
            "-1 0x7ffe61a1aff0 0x7ff8d53c312b\n", "", "202", "202 0x10 0x80 0x0", "202 0x10 0x80 0x0 0x",
            "202 10 80 0 0 0 0 20 30\n", "202 0x1ffffffffffffffff 0x80 0x0 0x0 0x0 0x0 0x20 0x30\n",
        ])
    func otherCalls(call: String) {
        let sample = Texts(call: call).sample
        #expect(sample != nil && sample?.futex == nil)
        if let sample { #expect(!DeadlockProof.proves(sample, sample)) }
    }

    @Test("a status says all that counts, and the process's name says nothing")
    func status() {
        let status = ProcSample.Status(Array(Texts.status(name: "State:\\nThreads:\t7").utf8)[...])
        #expect(status?.isAsleep == true && status?.threads == 1 && status?.tracer == 0)
        #expect(status?.caught == 0x1_4000_04f8 && status?.blocked == 0)
        #expect(status?.switches == 17)
        #expect(status?.isHelpless == true)
    }

    @Test(
        "a text that is cut short or is not a status proves nothing",
        arguments: [
            "", "\n", "State", "State:\tS (sleeping)\n", Texts.status(threads: "many"), Texts.status(threads: ""),
            String(Texts.status().dropLast()), String(Texts.status().dropLast(30)),
        ])
    func notStatus(text: String) {
        #expect(ProcSample.Status(Array(text.utf8)[...]) == nil)
        #expect(Texts(before: text).sample == nil)
        #expect(Texts(after: text).sample == nil)
    }

    @Test("two samples of one long wait prove it")
    func proof() throws {
        let sample = try #require(Texts().sample)
        #expect(DeadlockProof.proves(sample, sample))
    }

    @Test(
        "a single difference in either sample proves nothing",
        arguments: [
            Texts.status(state: "R (running)"), Texts.status(state: "T (stopped)"),
            Texts.status(state: "t (tracing stop)"), Texts.status(state: "D (disk sleep)"),
            Texts.status(state: "Z (zombie)"), Texts.status(threads: "2"),
            Texts.status(threads: "0"), Texts.status(tracer: 4711),
            // Handlers of SIGUSR1, SIGALRM and the first real-time signal that is not glibc's.
            Texts.status(caught: "0000000000000200"), Texts.status(caught: "0000000000002000"),
            Texts.status(caught: "0000000200000000"),
        ])
    func otherStatus(status: String) throws {
        let sample = try #require(Texts().sample)
        for other in [Texts(before: status).sample, Texts(after: status).sample] {
            let other = try #require(other)
            #expect(!DeadlockProof.proves(sample, other))
            #expect(!DeadlockProof.proves(other, sample))
        }
    }

    @Test("a handler of a blocked signal cannot run")
    func blocked() throws {
        let status = Texts.status(caught: "0000000000000200", blocked: "0000000000000200")
        let sample = try #require(Texts(before: status, after: status).sample)
        #expect(DeadlockProof.proves(sample, sample))
    }

    @Test("a process that only runs, mostly in the kernel, is suspected to spin")
    func suspicion() throws {
        func sample(
            _ status: String, _ work: String, children: String = "", traffic: String? = Texts.traffic()
        ) throws -> ProcSample {
            try #require(
                Texts(
                    before: status, call: "running", waitChannel: "0", children: children, work: work, traffic: traffic,
                    after: status
                ).sample)
        }
        let first = try sample(Texts.status(state: "R (running)"), Texts.work(user: 30, system: 70))
        let later = Texts.status(state: "R (running)", others: 25)
        let work = Texts.work(user: 32, system: 78)
        #expect(DeadlockProof.suspectsSpin(first, try sample(later, work)))
        var others = try [
            // It computed, did not run at all, touched new pages, read, or may have read.
            sample(later, Texts.work(user: 38, system: 72)), sample(later, Texts.work(user: 30, system: 70)),
            sample(later, Texts.work(user: 32, system: 78, faults: 1094)),
            sample(later, Texts.work(user: 32, system: 78, majorFaults: 1)),
            sample(later, work, traffic: Texts.traffic(read: 2013)),
            sample(later, work, traffic: Texts.traffic(calls: 8)), sample(later, work, traffic: nil),
            sample(later, work, traffic: "rchar: 2012\n"), sample(later, work, children: "4712 "),
        ]
        others += try [
            Texts.status(state: "R (running)", voluntary: 13), Texts.status(state: "S (sleeping)"),
            Texts.status(state: "R (running)", threads: "2"), Texts.status(state: "R (running)", tracer: 4711),
            Texts.status(state: "R (running)", caught: "0000000000000200"),
        ].map { try sample($0, work) }
        for other in others { #expect(!DeadlockProof.suspectsSpin(first, other)) }
        let silent = try sample(later, work, traffic: nil)
        #expect(!DeadlockProof.suspectsSpin(silent, silent))
    }

    @Test("a lock that another process's thread owns is told from every other call and word")
    func spin() {
        func spin(_ operation: String, word: UInt32, timeout: String = "0x0") -> StopSample.Spin? {
            let text = "202 0x10 \(operation) 0x1 \(timeout) 0x0 0x0 0x20 0x30\n"
            return StopSample.Spin(call: FutexCall(Array(text.utf8)[...], number: 202), word: word, pid: 4711)
        }
        #expect(spin("0x86", word: 4700) != nil)
        #expect(spin("0x8d", word: 0x8000_0000 | 4700) != nil)
        #expect(spin("0x86", word: 4700) == spin("0x86", word: 4700))
        #expect(spin("0x86", word: 4700) != spin("0x86", word: 4701))
        // It owns the lock itself; the lock is free or shared; the call waits, tries, unlocks or has a timeout.
        let others = [
            spin("0x86", word: 4711), spin("0x86", word: 0), spin("0x86", word: 0x8000_0000), spin("0x80", word: 4700),
            spin("0x88", word: 4700), spin("0x87", word: 4700), spin("0x6", word: 4700),
            spin("0x86", word: 4700, timeout: "0x7ffe61a1aff0"),
        ]
        #expect(others.allSatisfy { $0 == nil })
        #expect(FutexCall(Array("-1 0x7ffe61a1aff0 0x7ff8d53c312b\n".utf8)[...]) == nil)
        #expect(FutexCall(Array("202 0x10 0x86 0x1 0x0 0x0 0x0 0x20\n".utf8)[...], number: 202) == nil)
    }

    @Test(
        "a text that does not say how long it ran proves nothing", arguments: ["", "4711 (a", "4711 (a) R 1 2 3", ")"])
    func notWork(text: String) {
        #expect(Texts(work: text).sample == nil)
    }

    @Test("a process that ran, waits for another word, is held up elsewhere or has a child is not proven")
    func otherLook() throws {
        let sample = try #require(Texts().sample)
        let others = [
            Texts(after: Texts.status(voluntary: 13)), Texts(after: Texts.status(others: 6)),
            Texts(call: "202 0x10 0x80 0x0 0x0 0x0 0x0 0x20 0x30\n"), Texts(waitChannel: "do_freezer_trap"),
            Texts(waitChannel: "handle_userfault"), Texts(waitChannel: "0"), Texts(waitChannel: ""),
            Texts(children: "4712 "),
        ]
        for other in others { #expect(!DeadlockProof.proves(sample, try #require(other.sample))) }
    }
}

/// The kernel's texts about a process that waits for ever; a test changes one of them.
private struct Texts {
    var before = Texts.status()
    var call = "202 0x55b65d4b62c0 0x80 0x2 0x0 0x0 0x0 0x7ffe61a1aff8 0x7ff8d53c312b\n"
    var waitChannel = "futex_do_wait"
    var children = ""
    var work = Texts.work(user: 30, system: 70)
    var traffic: String? = Texts.traffic()
    var after = Texts.status()

    var sample: ProcSample? { sample(futexCall: 202) }

    func sample(futexCall: UInt64) -> ProcSample? {
        ProcSample(
            before: Array(before.utf8)[...], call: Array(call.utf8)[...], waitChannel: Array(waitChannel.utf8)[...],
            children: Array(children.utf8)[...], work: Array(work.utf8)[...],
            traffic: traffic.map { Array($0.utf8)[...] }, after: Array(after.utf8)[...], futexCall: futexCall)
    }

    static func work(user: Int, system: Int, faults: Int = 1093, majorFaults: Int = 0) -> String {
        "4711 (a) b) R 4700 4711 4700 0 -1 4194304 \(faults) 0 \(majorFaults) 0 \(user) \(system) 0 0\n"
    }

    static func traffic(read: Int = 2012, calls: Int = 7) -> String {
        "rchar: \(read)\nwchar: 0\nsyscr: \(calls)\nsyscw: 0\nread_bytes: 0\nwrite_bytes: 0\n"
    }

    static func status(
        name: String = "program", state: String = "S (sleeping)", threads: String = "1", tracer: Int = 0,
        caught: String = "00000001400004f8", blocked: String = "0000000000000000", voluntary: Int = 12, others: Int = 5
    ) -> String {
        """
        Name:\t\(name)
        Umask:\t0022
        State:\t\(state)
        Tgid:\t4711
        Ngid:\t0
        Pid:\t4711
        PPid:\t4700
        TracerPid:\t\(tracer)
        Uid:\t0\t0\t0\t0
        FDSize:\t64
        Groups:\t0 
        VmPeak:\t   23212 kB
        Threads:\t\(threads)
        SigQ:\t0/96210
        SigPnd:\t0000000000000000
        ShdPnd:\t0000000000000000
        SigBlk:\t\(blocked)
        SigIgn:\t0000000000001000
        SigCgt:\t\(caught)
        CapInh:\t0000000000000000
        Cpus_allowed:\t3
        Cpus_allowed_list:\t0-1
        Mems_allowed_list:\t0
        voluntary_ctxt_switches:\t\(voluntary)
        nonvoluntary_ctxt_switches:\t\(others)

        """
    }
}
