// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc

/// What Linux keeps for each thread, and a process inherits from the thread that starts it.
enum ThreadState: String, Codable, CaseIterable, Sendable {
    case seccompFilter, landlock, capabilities, effectiveCapabilities, boundingSet, secureBits, noNewPrivileges
    /// One of the process: whether it can be traced and dumped.
    case dumpable
    case networkNamespace, hostNamespace, mountNamespace
    case niceness, batchScheduling, idleScheduling, ioPriority, timerSlack, affinity
    case memoryPolicy, personality, machineCheckPolicy
    case roundingMode, flushToZero
    case locale, fileMask, folder
    case user, fileSystemUser, groups

    /// Whether workers by exec have it: a locale is an object of the process itself, the kernel makes the user for files
    /// the effective one, and takes a program whose effective user is another one for a setuid program.
    var survivesExec: Bool { ![.locale, .fileSystemUser, .user].contains(self) }

    private static let nobody = Int(Credentials.nobody)
}

// MARK: - Setting it

extension ThreadState {
    /// Sets it in the calling thread; the system may refuse.
    func set() {
        switch self {
        case .seccompFilter: Refusal(calls: [.acct], error: ENOTNAM).begin()
        case .landlock: Self.forbidWriting()
        case .capabilities: _ = Credentials.setCapabilities(1 << 18)
        // One is permitted and not in effect.
        case .effectiveCapabilities: _ = Credentials.setCapabilities(1 << 18, permitted: 1 << 18 | 1 << 13)
        case .boundingSet: Raw.control(24, 5)
        case .secureBits: Raw.control(28, 1)
        case .noNewPrivileges: Raw.setNoNewPrivileges()
        case .dumpable: Raw.control(4, 0)
        case .networkNamespace: Raw.unshare(.network)
        case .hostNamespace: Raw.unshare(.host)
        case .mountNamespace: Raw.unshare(.mounts)
        case .niceness: Raw.syscall(Number.setpriority, 0, 0, 7)
        case .batchScheduling, .idleScheduling:
            var parameter = sched_param()
            let policy: Int32 = self == .batchScheduling ? 3 : 5
            _ = unsafe sched_setscheduler(0, policy, &parameter)
        // The best-effort class, its lowest priority.
        case .ioPriority: Raw.syscall(Number.ioprioSet, 1, 0, 2 << 13 | 7)
        case .timerSlack: Raw.control(29, 123_456)
        case .affinity: Self.useLastProcessor()
        // Memory of the processor's own node.
        case .memoryPolicy: Raw.syscall(Number.setMemoryPolicy, 4)
        case .personality: Raw.syscall(Number.personality, 0x0004_0000)
        case .machineCheckPolicy: Raw.syscall(Number.prctl, 33, 1, 1)
        case .roundingMode: fesetround(Self.upward)
        case .flushToZero: Self.flushToZero()
        case .locale: unsafe _ = uselocale(newlocale(0x1fff, "C.UTF-8", nil))
        case .fileMask:
            Raw.unshare(.folder)
            umask(0o137)
        case .folder:
            Raw.unshare(.folder)
            _ = unsafe chdir("/usr")
        case .user: Raw.syscall(Number.setresuid, -1, Self.nobody, -1)
        case .fileSystemUser: Raw.syscall(Number.setfsuid, Self.nobody)
        case .groups:
            _ = unsafe withUnsafeBytes(of: (gid_t(7), gid_t(8))) {
                Raw.syscall(Number.setgroups, 2, Int(bitPattern: $0.baseAddress!))
            }
        }
    }

    /// Forbids to open files for writing (`landlock_create_ruleset`, `landlock_restrict_self`).
    private static func forbidWriting() {
        var rights: UInt64 = 1 << 1
        let rules = unsafe withUnsafeMutablePointer(to: &rights) { Raw.syscall(444, Int(bitPattern: $0), 8, 0) }
        guard rules >= 0 else { return }
        Raw.setNoNewPrivileges()
        Raw.syscall(446, rules, 0)
        close(Int32(rules))
    }

    private static func useLastProcessor() {
        var set = processorSet
        guard let last = set.indices.last(where: { set[$0] != 0 }) else { return }
        let bit = UInt64(1) << UInt64(63 - set[last].leadingZeroBitCount)
        for index in set.indices { set[index] = index == last ? bit : 0 }
        _ = unsafe set.withUnsafeBytes {
            Raw.syscall(Number.setAffinity, 0, $0.count, Int(bitPattern: $0.baseAddress!))
        }
    }

    /// Has tiny results become 0: by bits of a register that C alone can reach, so by the environment that holds it.
    private static func flushToZero() {
        var environment = fenv_t()
        unsafe fegetenv(&environment)
        #if arch(x86_64)
        environment.__mxcsr |= 0x8040
        #elseif arch(arm64)
        environment.__fpcr |= 1 << 24
        #endif
        unsafe fesetenv(&environment)
    }

    #if arch(x86_64)
    private static let upward: Int32 = 0x800
    #elseif arch(arm64)
    private static let upward: Int32 = 0x40_0000
    #endif
}

// MARK: - Reading it

extension ThreadState {
    /// Its value in the calling thread.
    var value: Int {
        switch self {
        case .seccompFilter: return Raw.syscall(Refusal.Call.acct.number, 1) < 0 ? Int(errno) : 0
        case .landlock:
            let file = unsafe open("/dev/null", O_WRONLY | O_CLOEXEC)
            defer { close(file) }
            return file < 0 ? Int(errno) : 0
        case .capabilities, .effectiveCapabilities: return Self.status("CapEff", radix: 16)
        case .boundingSet: return Self.status("CapBnd", radix: 16)
        case .secureBits: return Raw.control(27)
        case .noNewPrivileges: return Raw.control(39)
        case .dumpable: return Raw.control(3)
        case .networkNamespace: return Self.namespace("net")
        case .hostNamespace: return Self.namespace("uts")
        case .mountNamespace: return Self.namespace("mnt")
        case .niceness: return Raw.syscall(Number.getpriority, 0, 0)
        case .batchScheduling, .idleScheduling: return Int(sched_getscheduler(0))
        case .ioPriority: return Raw.syscall(Number.ioprioGet, 1, 0)
        case .timerSlack: return Raw.control(30)
        case .affinity: return Self.processorSet.reduce(0) { $0 &* 31 &+ Int(truncatingIfNeeded: $1) }
        case .memoryPolicy:
            var policy: Int32 = -1
            return unsafe withUnsafeMutablePointer(to: &policy) {
                Raw.syscall(Number.getMemoryPolicy, Int(bitPattern: $0)) == 0 ? Int(unsafe $0.pointee) : -1
            }
        case .personality: return Raw.syscall(Number.personality, 0xffff_ffff)
        case .machineCheckPolicy: return Raw.control(34)
        case .roundingMode: return Int((1.0 / opaque(3.0)).bitPattern & 0xff)
        case .flushToZero: return opaque(Double.leastNormalMagnitude) / opaque(2.0) == 0 ? 1 : 0
        case .locale: return unsafe String(cString: nl_langinfo(Int32(CODESET))) == "UTF-8" ? 1 : 0
        case .fileMask:
            let mask = umask(0)
            umask(mask)
            return Int(mask)
        case .folder:
            var status = stat()
            return unsafe stat(".", &status) == 0 ? Int(status.st_ino) : -1
        case .user: return Raw.syscall(Number.geteuid)
        case .fileSystemUser: return Raw.syscall(Number.setfsuid, -1)
        case .groups: return Raw.syscall(Number.getgroups, 0, 0)
        }
    }

    static func status(_ field: String, radix: Int) -> Int {
        let line = Files.lines("/proc/thread-self/status").first { $0.hasPrefix(field) }
        return line.flatMap { Int($0.split(separator: "\t").last ?? "", radix: radix) } ?? -1
    }

    private static func namespace(_ name: String) -> Int {
        var status = stat()
        return unsafe stat("/proc/thread-self/ns/\(name)", &status) == 0 ? Int(status.st_ino) : -1
    }

    private static var processorSet: [UInt64] {
        var set = [UInt64](repeating: 0, count: 128)
        _ = unsafe set.withUnsafeMutableBytes {
            Raw.syscall(Number.getAffinity, 0, $0.count, Int(bitPattern: $0.baseAddress!))
        }
        return set
    }
}

private enum Number {
    #if arch(x86_64)
    static let (prctl, personality) = (157, 135)
    static let (getpriority, setpriority, ioprioSet, ioprioGet) = (140, 141, 251, 252)
    static let (setMemoryPolicy, getMemoryPolicy, setAffinity, getAffinity) = (238, 239, 203, 204)
    static let (setresuid, setfsuid, geteuid, setgroups, getgroups) = (117, 122, 107, 116, 115)
    #elseif arch(arm64)
    static let (prctl, personality) = (167, 92)
    static let (getpriority, setpriority, ioprioSet, ioprioGet) = (141, 140, 30, 31)
    static let (setMemoryPolicy, getMemoryPolicy, setAffinity, getAffinity) = (237, 236, 122, 123)
    static let (setresuid, setfsuid, geteuid, setgroups, getgroups) = (147, 151, 175, 159, 158)
    #endif
}
