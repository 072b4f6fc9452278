internal import Glibc

extension DeadlockProof {
    /// Looks at a process (`openat` and `read` of six files in /proc, one of them twice).
    ///
    /// - Parameter pid: A process that this one may trace and that nobody reaps meanwhile, as a worker is.
    /// - Returns: Nil if something cannot be read: then nothing is proven.
    static func look(at pid: Int32) -> ProcSample? {
        guard showsOwnProcesses else { return nil }
        // Whatever is read below this folder is of one and the same process.
        guard let folder = try? open("/proc/\(pid)", below: AT_FDCWD, O_DIRECTORY) else { return nil }
        defer { close(folder) }
        // proves(_:_:) relies on the order.
        guard let before = try? read("status", below: folder),
            let call = try? read("syscall", below: folder),
            let place = try? read("wchan", below: folder),
            let children = try? read("task/\(pid)/children", below: folder),
            let work = try? read("stat", below: folder)
        else { return nil }
        let traffic = try? read("io", below: folder)
        guard let after = try? read("status", below: folder) else { return nil }
        return ProcSample(
            before: before, call: call, place: place, children: children, work: work, traffic: traffic, after: after)
    }

    /// Whether /proc calls this process what it is called here: it may be mounted for another namespace of processes, and
    /// then shows others under the ids of this one's (`readlink`).
    static var showsOwnProcesses: Bool {
        var bytes: (UInt64, UInt64) = (0, 0)
        let length = try? SystemError.check("readlink") {
            let length = unsafe withUnsafeMutableBytes(of: &bytes) {
                unsafe readlink("/proc/self", $0.baseAddress!, $0.count)
            }
            return length < 0 ? -errno : Int32(length)
        }
        guard let length else { return false }
        return unsafe withUnsafeBytes(of: &bytes) { unsafe $0.prefix(Int(length)).elementsEqual("\(getpid())".utf8) }
    }

    static func open(_ path: String, below folder: Int32, _ flags: Int32 = 0) throws(SystemError) -> Int32 {
        try SystemError.check("openat") {
            let file = unsafe openat(folder, path, O_RDONLY | O_CLOEXEC | flags)
            return file < 0 ? -errno : file
        }
    }

    /// Reads a text that the kernel makes up when it is read, all of it at once.
    static func read(_ path: String, below folder: Int32) throws(SystemError) -> ArraySlice<UInt8> {
        let file = try open(path, below: folder)
        defer { close(file) }
        var bytes: [UInt8] = []
        _ = try SystemError.check("read") {
            var length = 0
            unsafe bytes = [UInt8](unsafeUninitializedCapacity: 16 << 10) { buffer, count in
                unsafe length = Glibc.read(file, buffer.baseAddress!, buffer.count)
                count = max(length, 0)
            }
            return length < 0 ? -errno : Int32(length)
        }
        return bytes[...]
    }
}
