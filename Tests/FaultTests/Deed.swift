// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc

/// What a worker is to do with an item.
indirect enum Deed: Codable, Sendable {
    /// To return a number.
    case give(Int)
    /// To return its process id.
    case pid
    /// To return its parent's process id.
    case parent
    /// To end by `exit`, with handlers or at once.
    case exit(Int32)
    case exitAtOnce(Int32)
    /// To send its thread a signal.
    case raise(Int32)
    case readNowhere
    case writeBeyondFile
    case overflowStack
    case spring(Trap)
    case throwPlain(String)
    case throwTyped(Int)
    case throwUnspeakable(Int)
    case throwEndless
    /// To sleep for some milliseconds.
    case nap(UInt32)
    /// To return a number after 0 to 2 ms, which are in no order.
    case linger(Int)
    /// To return how many bytes standard input gives, which leads to /dev/null.
    case readInput
    /// To return whether a signal is blocked.
    case isBlocked(Int32)
    /// To send its process id, and to sleep until a signal ends it.
    case sleep(at: String)
    /// To arrive at a rendezvous, and to do something once that many have arrived.
    case meet(at: String, Int, then: Deed)
    /// To wait at a rendezvous until that many have arrived, and then to do something.
    case wait(at: String, Int, then: Deed)
    /// To send its process id, and then to do something.
    case say(at: String, then: Deed)
    /// To send a number, and to return it.
    case note(at: String, Int32)
    /// To leave a process behind that sends its id, and then to do something.
    case fork(at: String, then: Deed)
    /// To wait for a process that sends its id and exits, and then to do something.
    case exiting(at: String, Int32, then: Deed)
    /// To use the library in a wrong way.
    case misuse(Misuse)
    /// To return the soft limit on core dumps.
    case coreLimit
    /// To return whether a process that it forks ignores a signal.
    case childIgnores(Int32)
    /// To read a byte from a descriptor and return it, or a negative errno.
    case readByte(from: Int32)
    /// To do something at this attempt at the item and those before it, and something else at later ones.
    case upTo(attempt: Int, Deed, then: Deed)
    /// To return the attempt.
    case attempt
    /// To ignore and block every signal that can be, and then to do something.
    case deaf(then: Deed)
    /// To compute for ever.
    case spin
    /// To take and release a lock that many times, in the kernel.
    case toil(times: Int)
    /// To stop itself with SIGSTOP.
    case stop
    /// To wait for a lock that is never released.
    case deadlock
    /// To tamper with what the library relies on, and then to do something.
    case tamper(Tampering, then: Deed)
    /// To return the value of a state of the thread.
    case state(ThreadState)
    /// To return the permitted capabilities.
    case permittedCapabilities
    /// To recurse over that many mebibytes of the stack, and to return how many.
    case recurse(mebibytes: Int)
    /// To return how many of the descriptors from a number on are open.
    case descriptors(from: Int32)
    /// To return `Held.value`; if true, to release its initialiser before.
    case initialise(released: Bool)
    /// To ask for memory until there is none: in Swift, and in C by one unchecked request of that many bytes.
    case devour
    case allocate(Int)

    /// Does it.
    func perform() throws -> Int {
        switch self {
        case .give(let number): return number
        case .pid: return Int(getpid())
        case .parent: return Int(getppid())
        case .exit(let status): Glibc.exit(status)
        case .exitAtOnce(let status): _exit(status)
        case .raise(let signal): Glibc.raise(signal)
        case .readNowhere: unsafe UnsafeMutablePointer<Int>(bitPattern: opaque(0x18))!.pointee = 1
        case .writeBeyondFile: Self.touchBeyondFile()
        case .overflowStack: return Self.depth(opaque(1))
        case .spring(let trap): trap.spring()
        case .throwPlain(let text): throw Plain(description: text)
        case .throwTyped(let line): throw Typed(line: line, words: ["a", "bé"])
        case .throwUnspeakable(let number): throw Unspeakable(number: number)
        case .throwEndless: throw Endless()
        case .nap(let time): usleep(time * 1000)
        case .linger(let number):
            usleep(UInt32(number * 7919 % 2000))
            return number
        case .readInput:
            var byte: UInt8 = 0
            return Files.target(of: 0) == "/dev/null" ? unsafe read(0, &byte, 1) : -1
        case .isBlocked(let signal):
            var mask = sigset_t()
            unsafe pthread_sigmask(SIG_BLOCK, nil, &mask)
            return unsafe Int(sigismember(&mask, signal))
        case .sleep(let path):
            Rendezvous.sendPid(at: path)
            Process.sleepForEver()
        case .meet(let path, let count, let deed):
            Rendezvous.arrive(at: path)
            Rendezvous.waitForArrivals(count, at: path)
            return try deed.perform()
        case .wait(let path, let count, let deed):
            Rendezvous.waitForArrivals(count, at: path)
            return try deed.perform()
        case .say(let path, let deed):
            Rendezvous.sendPid(at: path)
            return try deed.perform()
        case .note(let path, let number):
            Rendezvous.say(number, at: path)
            return Int(number)
        case .fork(let path, let deed):
            let grandchild = Process.fork()
            if grandchild == 0 { Process.sleepForEver() }
            Rendezvous.say(grandchild, at: path)
            return try deed.perform()
        case .exiting(let path, let status, let deed):
            let grandchild = Process.fork()
            if grandchild == 0 { Glibc.exit(status) }
            Rendezvous.say(grandchild, at: path)
            _ = waitpid(grandchild, nil, 0)
            return try deed.perform()
        case .misuse(let misuse): try misuse.commit()
        case .coreLimit:
            var limit = rlimit()
            _ = unsafe getrlimit(Limit.core.rawValue, &limit)
            return Int(clamping: limit.rlim_cur)
        case .childIgnores(let number):
            let child = Process.fork()
            if child == 0 { _exit(Process.ignores(number) ? 1 : 0) }
            return Int(Process.wait(for: child) >> 8)
        case .readByte(let descriptor):
            var byte: UInt8 = 0
            return unsafe read(descriptor, &byte, 1) == 1 ? Int(byte) : -Int(errno)
        case .upTo(let attempt, let early, let late):
            return try (ForkPool.worker!.attempt <= attempt ? early : late).perform()
        case .attempt: return ForkPool.worker!.attempt
        case .deaf(let deed):
            Process.makeDeaf()
            return try deed.perform()
        case .spin: while opaque(true) {}
        case .toil(let times):
            var word: UInt32 = 0
            for _ in 0..<times {
                unsafe Raw.futex(&word, .lock)
                unsafe Raw.futex(&word, .unlock)
            }
            return times
        case .stop: Glibc.raise(SIGSTOP)
        case .deadlock: Process.waitForEver()
        case .tamper(let tampering, let deed):
            tampering.apply()
            return try deed.perform()
        case .state(let state): return state.value
        case .permittedCapabilities: return ThreadState.status("CapPrm", radix: 16)
        case .recurse(let mebibytes):
            _ = Self.descend(kibibytes: mebibytes << 10)
            return mebibytes
        case .descriptors(let first): return (first..<4096).count { fcntl($0, F_GETFD) >= 0 }
        case .initialise(let released):
            if released { Held.gate.send() }
            return Held.value
        case .devour:
            var kept: [[UInt8]] = []
            while opaque(true) { kept.append([UInt8](repeating: 1, count: 1 << 20)) }
        case .allocate(let size): unsafe opaque(malloc(size))!.storeBytes(of: 1, as: Int.self)
        }
        return -1
    }

    /// Writes into a mapped page that lies behind the end of its file.
    static func touchBeyondFile() {
        let file = unsafe tmpfile()!
        let page = unsafe mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0)!
        unsafe page.storeBytes(of: 1, as: Int.self)
    }

    /// Recurses in frames of a little more than a kibibyte each.
    @inline(never) @_optimize(none)
    static func descend(kibibytes: Int) -> Int {
        unsafe withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 16) { bytes in
            unsafe bytes[0] = 1
            return kibibytes == 0 ? 0 : unsafe descend(kibibytes: kibibytes - 1) + Int(bytes[0])
        }
    }

    /// Recurses until the stack ends.
    @inline(never) @_optimize(none)
    static func depth(_ number: Int) -> Int {
        number == 0 ? 0 : depth(number + 1) + opaque(number)
    }
}

/// Does the deed that its item is.
struct Performer: PlainJob {
    typealias Input = Deed
    typealias Output = Int

    func act(_ deed: Deed) throws -> Int { try deed.perform() }
}
