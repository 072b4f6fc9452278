// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc

/// A copy of the test program, with rights of its own, which a test starts as another user.
final class ProgramCopy {
    /// A user and a group without any rights.
    static let nobody: UInt32 = 65534

    private let folder: String
    let path: String

    /// What the kernel keeps at a file as its capabilities: version 2, effective, and one of them (NET_BIND_SERVICE).
    private static let capabilities: [UInt32] = [0x0200_0001, 1 << 10, 0, 0, 0]

    init(mode: UInt32 = 0o755, hasCapabilities: Bool = false) {
        folder = Files.makeFolder()
        path = folder + "/program"
        unsafe chmod(folder, 0o755)
        let file = unsafe open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o755)
        let program = Files.bytes("/proc/self/exe")
        precondition(unsafe write(file, program, program.count) == program.count, "no copy: errno \(errno)")
        close(file)
        if hasCapabilities {
            typealias Text = UnsafePointer<CChar>
            typealias Call = @convention(c) (Text, Text, UnsafePointer<UInt32>, Int, Int32) -> Int32
            let call = unsafe unsafeBitCast(dlsym(nil, "setxattr")!, to: Call.self)
            let set = unsafe call(path, "security.capability", Self.capabilities, 20, 0)
            precondition(set == 0, "no capabilities: errno \(errno)")
        }
        precondition(unsafe chmod(path, mode) == 0, "no mode: errno \(errno)")
    }

    deinit {
        _ = unsafe unlink(path)
        _ = unsafe rmdir(folder)
    }

    /// Runs the program to its end.
    ///
    /// - Parameters:
    ///   - words: Its arguments.
    ///   - environment: What is added to this process's, as `NAME=value`; `PARENT` stands for this process's id.
    ///   - isNobody: Whether it runs as another user.
    ///   - loader: The program that starts it, if not the kernel.
    /// - Returns: Its exit status, or the negative signal that ended it, and what it wrote.
    func run(
        _ words: [String], environment: [String] = [], isNobody: Bool = false, loader: String? = nil
    ) -> (status: Int32, text: String) {
        var ends: [Int32] = [-1, -1]
        _ = unsafe pipe(&ends)
        let child = start(words, environment, isNobody, loader, output: ends[1])
        close(ends[1])
        let text = Self.read(ends[0])
        let status = Process.wait(for: child)
        return (status & 0x7F == 0 ? status >> 8 : -status, text)
    }

    /// Starts it without waiting for its end.
    func start(
        _ words: [String], _ environment: [String], _ isNobody: Bool = false, _ loader: String? = nil, output: Int32
    ) -> Int32 {
        let program = loader ?? path
        let arguments = unsafe ([program] + (loader == nil ? [] : [path]) + words).map { unsafe strdup($0) } + [nil]
        let added = environment.map { $0.replacing("PARENT", with: "\(getpid())") }
        let kept = ["PATH=/usr/bin:/bin"] + added
        let variables = unsafe kept.map { unsafe strdup($0) } + [nil]
        defer { unsafe (arguments + variables).forEach { unsafe free($0) } }
        let child = Process.fork()
        if child == 0 {
            dup2(output, STDOUT_FILENO)
            dup2(output, STDERR_FILENO)
            if isNobody { _ = setgid(Self.nobody) + setuid(Self.nobody) }
            unsafe execve(program, arguments, variables)
            _exit(126)
        }
        return child
    }

    /// Reads a pipe to its end.
    static func read(_ descriptor: Int32) -> String {
        defer { close(descriptor) }
        var text: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 4096)
        while true {
            let length = unsafe Glibc.read(descriptor, &part, part.count)
            guard length > 0 else { return String(decoding: text, as: UTF8.self) }
            text += part[..<length]
        }
    }
}

/// What a process does to its own rights.
enum Rights: String {
    /// Becomes another user for good.
    case drop
    /// Becomes another user in effect.
    case effective
    /// Makes this program's file one that cannot be executed.
    case noFile
    /// Gives up a capability.
    case capability
    /// Gains nothing by exec any more.
    case noNewPrivileges

    /// Whether this process may become another user, and whether a file in /tmp may give rights.
    static var canBeChanged: Bool {
        var status = statvfs()
        let isKnown = unsafe statvfs("/tmp", &status) == 0
        return geteuid() == 0 && isKnown && status.f_flag & UInt(ST_NOSUID) == 0
    }

    func change() {
        let result =
            switch self {
            case .drop: Self.setUser(real: ProgramCopy.nobody, effective: ProgramCopy.nobody, saved: ProgramCopy.nobody)
            case .effective: seteuid(ProgramCopy.nobody)
            case .noFile: unsafe chmod("/proc/self/exe", 0o644)
            case .capability: Self.giveUpCapability()
            case .noNewPrivileges: Self.setNoNewPrivileges()
            }
        precondition(result == 0, "\(self): errno \(errno)")
    }

    static func setUser(real: UInt32, effective: UInt32, saved: UInt32) -> Int32 {
        typealias Call = @convention(c) (UInt32, UInt32, UInt32) -> Int32
        return unsafe unsafeBitCast(dlsym(nil, "setresuid")!, to: Call.self)(real, effective, saved)
    }

    private static func setNoNewPrivileges() -> Int32 {
        typealias Call = @convention(c) (Int32, UInt, UInt, UInt, UInt) -> Int32
        return unsafe unsafeBitCast(dlsym(nil, "prctl")!, to: Call.self)(38, 1, 0, 0, 0)
    }

    /// Takes NET_RAW from the permitted and the effective capabilities of the calling thread, and of all made by it later.
    private static func giveUpCapability() -> Int32 {
        typealias Call = @convention(c) (UnsafeMutablePointer<UInt32>, UnsafeMutablePointer<UInt32>) -> Int32
        var header: [UInt32] = [0x2008_0522, 0]
        // Effective, permitted and inheritable, for the lower numbers and then for the higher ones.
        var sets = [UInt32](repeating: 0, count: 6)
        let got = unsafe unsafeBitCast(dlsym(nil, "capget")!, to: Call.self)(&header, &sets)
        guard got == 0 else { return got }
        for set in 0..<2 { sets[set] &= ~(1 << 13) }
        return unsafe unsafeBitCast(dlsym(nil, "capset")!, to: Call.self)(&header, &sets)
    }
}
