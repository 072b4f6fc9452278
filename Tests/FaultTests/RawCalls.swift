// SPDX-License-Identifier: Apache-2.0
import Glibc

/// System calls that Swift does not import.
enum Raw {
    /// Has this process traced by its parent, which changes nothing until a signal comes (`ptrace`).
    static func beTraced() {
        typealias Trace = @convention(c) (Int32, Int32, Int, Int) -> Int
        let symbol = unsafe dlsym(nil, "ptrace")!
        let result = unsafe unsafeBitCast(symbol, to: Trace.self)(0, 0, 0, 0)
        precondition(result == 0, "not traced: errno \(errno)")
    }

    /// Operations on a lock with priority inheritance: FUTEX_LOCK_PI and others.
    enum PriorityFutex: Int {
        case lock = 6
        case unlock = 7
        case tryLock = 8
    }

    /// Applies the operation to a word of this process; returns 0 or the errno.
    @discardableResult
    static func futex(
        _ word: UnsafeMutablePointer<UInt32>, _ command: PriorityFutex, until end: timespec? = nil
    ) -> Int32 {
        let privateFlag = 128
        let operation = command.rawValue | privateFlag
        guard var end else { return syscall(Number.futex, Int(bitPattern: word), operation) < 0 ? errno : 0 }
        return unsafe withUnsafeMutablePointer(to: &end) {
            syscall(Number.futex, Int(bitPattern: word), operation, 0, Int(bitPattern: $0)) < 0 ? errno : 0
        }
    }

    /// What a thread, or what it starts, can have for itself: CLONE_FS and CLONE_NEWTIME, _NEWNS, _NEWUTS, _NEWUSER, _NEWNET.
    enum Unshared: Int {
        case folder = 0x200
        case time = 0x80
        case mounts = 0x0002_0000
        case host = 0x0400_0000
        case user = 0x1000_0000
        case network = 0x4000_0000
    }

    /// Has the calling thread share it with no other one (`unshare`); returns false if the system refuses.
    @discardableResult
    static func unshare(_ what: Unshared) -> Bool { syscall(Number.unshare, what.rawValue) == 0 }

    /// Gives this process mounts of its own; returns false if the system refuses.
    static func takeMounts() -> Bool {
        let (recursive, own): (UInt, UInt) = (0x4000, 1 << 18)
        return unsafe unshare(.mounts) && mount("none", "/", nil, recursive | own, nil) == 0
    }

    private enum Number {
        #if arch(x86_64)
        static let (userfaultfd, futex, unshare) = (323, 202, 272)
        #elseif arch(arm64)
        static let (userfaultfd, futex, unshare) = (282, 98, 97)
        #endif
    }

    @discardableResult
    static func syscall(
        _ number: Int, _ first: Int = 0, _ second: Int = 0, _ third: Int = 0, _ fourth: Int = 0, _ fifth: Int = 0
    ) -> Int {
        typealias Call = @convention(c) (Int, Int, Int, Int, Int, Int, Int) -> Int
        return unsafe unsafeBitCast(dlsym(nil, "syscall")!, to: Call.self)(
            number, first, second, third, fourth, fifth, 0)
    }

    /// Runs `work` while another process, which has this one's memory (`clone`), waits for the stage's pipe and then posts
    /// the stage's semaphore.
    static func withSharer(_ stage: Stage, _ work: () -> Void) {
        typealias Entry = @convention(c) (UnsafeMutableRawPointer?) -> Int32
        typealias Clone = @convention(c) (Entry, UnsafeMutableRawPointer, Int32, UnsafeMutableRawPointer?) -> Int32
        let pipe = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
        unsafe pipe.initialize(to: stage.pipe.reading)
        let size = 256 << 10
        let stack = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
        let entry: Entry = { pipe in
            unsafe withUnsafeTemporaryAllocation(byteCount: 4, alignment: 4) {
                let length = unsafe read(pipe!.load(as: Int32.self), $0.baseAddress!, 4)
                if length == 4 { unsafe sem_post(Stage.signalled) }
            }
            return 0
        }
        let cloneVM: Int32 = 0x100
        let symbol = unsafe dlsym(nil, "clone")!
        let pid = unsafe unsafeBitCast(symbol, to: Clone.self)(entry, stack + size, cloneVM | SIGCHLD, pipe)
        precondition(pid > 0, "no process: errno \(errno)")
        work()
        _ = Process.wait(for: pid)
        unsafe stack.deallocate()
        unsafe pipe.deallocate()
    }

    /// Waits for a word on a page that the holder of a descriptor must supply (`userfaultfd`) and never does;
    /// returns only if the system refuses.
    static func waitForPage() {
        typealias Control = @convention(c) (Int32, UInt, UnsafeMutableRawPointer) -> Int32
        let control = unsafe unsafeBitCast(dlsym(nil, "ioctl")!, to: Control.self)
        // Not UFFD_USER_MODE_ONLY: the kernel itself reads the word.
        let descriptor = Int32(syscall(Number.userfaultfd, Int(O_CLOEXEC)))
        // UFFDIO_API, with UFFD_API; UFFDIO_REGISTER, for missing pages.
        var handshake: (UInt64, UInt64, UInt64) = (0xaa, 0, 0)
        guard descriptor >= 0, unsafe control(descriptor, 0xc018_aa3f, &handshake) == 0 else { return }
        let page = unsafe mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)!
        var range: (UInt64, UInt64, UInt64, UInt64) = (UInt64(UInt(bitPattern: page)), 4096, 1, 0)
        guard unsafe control(descriptor, 0xc020_aa00, &range) == 0 else { return }
        let privateWait = 128
        _ = syscall(Number.futex, Int(bitPattern: page), privateWait)
    }
}
