// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc
import Synchronization

@testable import ForkPool

/// What a body does, by mistake or by intent, to what its worker shares with the parent.
enum Tampering: Codable, Sendable {
    /// To change its own credentials; its process then ends within a minute.
    case credentials(Credentials)
    /// To fill its worker's record, or the second half of it, with a byte.
    case record(UInt8)
    case recordEnd(UInt8)
    /// To claim, in the record of every worker, that it is in `setUp`, or could not be set up.
    case setUpStage(finished: Bool)
    /// To undo for half a minute that its item has begun.
    case hideBegin
    /// To have every inherited descriptor block.
    case descriptorFlags
    /// To read from every inherited descriptor what there is.
    case drain
    /// To leave processes behind that read from every inherited descriptor for as long as they can.
    case leaveReaders
    /// To open a file in the place of every inherited descriptor.
    case reopen(at: String)
    /// To leave a process behind that sends its id and writes into all shared memory that the body had.
    case leave(Writer, at: String)
    /// To replace a text by one of the same length wherever it finds it in shared memory.
    case replace(String, by: String)

    /// How a process that writes is made.
    enum Writer: String, Codable, CaseIterable, Sendable {
        /// By libc's fork; by the system call, of which no library learns; so that it shares the body's memory.
        case fork, clone, sharingClone
    }

    func apply() {
        switch self {
        case .credentials(let credentials):
            alarm(60)
            credentials.change()
        case .record(let byte):
            for record in Self.ownRecords { unsafe memset(record.base, Int32(byte), WorkerRecord.size) }
        case .recordEnd(let byte):
            let half = WorkerRecord.size / 2
            for record in Self.ownRecords { unsafe memset(record.base + half, Int32(byte), half) }
        case .setUpStage(let finished):
            for record in Self.ownRecords {
                unsafe record.stage.pointee.store(WorkerRecord.Stage.settingUp, ordering: .relaxed)
                if finished { unsafe record.finish.pointee.store(WorkerRecord.Finish.notSetUp, ordering: .relaxed) }
            }
        case .hideBegin:
            alarm(30)
            let records = Self.ownRecords
            while opaque(true) {
                for record in records { unsafe record.began.pointee.store(0, ordering: .relaxed) }
            }
        case .descriptorFlags: for descriptor in Self.descriptors { _ = fcntl(descriptor, F_SETFL, 0) }
        case .drain:
            var bytes = [UInt8](repeating: 0, count: 8)
            for descriptor in Self.descriptors {
                var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                if unsafe poll(&entry, 1, 0) == 1 { _ = unsafe read(descriptor, &bytes, bytes.count) }
            }
        case .leaveReaders:
            for descriptor in Self.descriptors where Process.fork() == 0 {
                // The test's own pipes end with the last process that has them.
                alarm(3)
                _ = fcntl(descriptor, F_SETFL, 0)
                var bytes = [UInt8](repeating: 0, count: 8)
                while unsafe read(descriptor, &bytes, bytes.count) > 0 {}
                _exit(0)
            }
        case .reopen(let path):
            let descriptors = Self.descriptors
            for descriptor in descriptors { close(descriptor) }
            let file = unsafe open(path, O_WRONLY | O_APPEND)
            for descriptor in descriptors where descriptor != file { dup2(file, descriptor) }
        case .leave(let writer, let path): LeftWriter.start(writer, path)
        case .replace(let text, let other): Self.replace(Array(text.utf8), by: Array(other.utf8))
        }
    }

    private static func replace(_ text: [UInt8], by other: [UInt8]) {
        typealias Find =
            @convention(c) (
                UnsafeRawPointer, Int, UnsafeRawPointer, Int
            ) -> UnsafeMutableRawPointer?
        let find = unsafe unsafeBitCast(dlsym(nil, "memmem")!, to: Find.self)
        for range in Files.sharedMappings {
            var next = unsafe UnsafeMutableRawPointer(bitPattern: range.lowerBound)!
            // Inputs lie at the front.
            let end = unsafe next + min(range.count, 1 << 20)
            while let found = unsafe find(next, end - next, text, text.count) {
                unsafe memcpy(found, other, other.count)
                unsafe next = found + other.count
            }
        }
    }

    /// The open descriptors but the standard ones.
    private static var descriptors: [Int32] { (3..<1024).filter { fcntl($0, F_GETFD) >= 0 } }

    /// The records of this worker, in every region that it shares.
    private static var ownRecords: [WorkerRecord] {
        Files.sharedMappings.compactMap { range in
            let base = unsafe UnsafeMutableRawPointer(bitPattern: range.lowerBound)!
            let shape = unsafe RegionLayout.readShape(base)
            guard let worker = ForkPool.worker?.index, (worker + 1...4096).contains(shape.workers),
                (1...8192).contains(shape.batchSlots), shape.processSlots >= shape.workers
            else { return nil }
            let record = unsafe RegionLayout(base: base, shape: shape).record(worker)
            return unsafe Int(bitPattern: record.base) + WorkerRecord.size <= range.upperBound ? record : nil
        }
    }
}

/// A process that a body leaves behind, and that writes into all memory that it shares.
private enum LeftWriter {
    private static let stackSize = 256 << 10
    /// What the writer needs, taken before it exists: it may allocate nothing.
    nonisolated(unsafe) private static var mappings: [Range<Int>] = []
    nonisolated(unsafe) private static var pipe: Int32 = -1

    static func start(_ writer: Tampering.Writer, _ path: String) {
        unsafe mappings = Files.sharedMappings
        unsafe pipe = open(path + "/pids", O_WRONLY | O_CLOEXEC)
        switch writer {
        case .fork: if Process.fork() == 0 { write() }
        case .clone: if Raw.syscall(Raw.clone, Int(SIGCHLD)) == 0 { write() }
        case .sharingClone:
            let stack = UnsafeMutableRawPointer.allocate(byteCount: stackSize, alignment: 16)
            let pid = unsafe Raw.share(stack + stackSize) { _ in LeftWriter.write() }
            precondition(pid > 0, "no process: errno \(errno)")
        }
    }

    /// Writes numbers that look random over all the mappings' first 64 KiB, again and again, for a minute at most.
    static func write() -> Never {
        // By the system call: libc's wrapper may use a cached id.
        var pid = Int32(Raw.syscall(Raw.getpid))
        var state: UInt64 = 88_172_645_463_325_252
        let end = time(nil) + 60
        // It writes from here on, until the memory that it does not share ends it.
        _ = unsafe Glibc.write(pipe, &pid, 4)
        while time(nil) < end {
            for range in unsafe mappings {
                for address in stride(
                    from: range.lowerBound, to: min(range.upperBound, range.lowerBound + (64 << 10)), by: 8)
                {
                    state ^= state << 13
                    state ^= state >> 7
                    state ^= state << 17
                    unsafe UnsafeMutablePointer<UInt64>(bitPattern: address)!.pointee = state
                }
            }
        }
        _exit(0)
    }
}

extension Raw {
    /// Starts a process that shares this one's memory and runs `entry` on a stack of its own; returns its id.
    static func share(
        _ stackEnd: UnsafeMutableRawPointer, _ entry: @convention(c) (UnsafeMutableRawPointer?) -> Int32
    ) -> Int32 {
        typealias Clone =
            @convention(c) (
                @convention(c) (UnsafeMutableRawPointer?) -> Int32, UnsafeMutableRawPointer, Int32,
                UnsafeMutableRawPointer?
            ) -> Int32
        let cloneVM: Int32 = 0x100
        return unsafe unsafeBitCast(dlsym(nil, "clone")!, to: Clone.self)(entry, stackEnd, cloneVM | SIGCHLD, nil)
    }

    #if arch(x86_64)
    fileprivate static let (clone, getpid) = (56, 39)
    #elseif arch(arm64)
    fileprivate static let (clone, getpid) = (220, 172)
    #endif
}
