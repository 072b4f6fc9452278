// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A change that a process makes to its own credentials; the kernel then clears its death signal, or refuses the
/// parent's signals.
enum Credentials: String, Codable, CaseIterable, Sendable {
    /// Another group, then another user, by libc.
    case groupAndUser
    case user
    case group
    /// All three user ids; the effective one alone.
    case allUsers
    case effectiveUser
    /// The user by the system call itself, in the calling thread alone.
    case threadUser
    /// No capabilities.
    case none
    /// A user namespace of its own.
    case namespace

    /// The user and group that nothing belongs to.
    static let nobody: UInt32 = 65534

    /// Whether this process may change its user.
    static var canChange: Bool { getuid() == 0 }

    func change() {
        let nobody = Self.nobody
        let result =
            switch self {
            case .groupAndUser: setgid(nobody) == 0 ? setuid(nobody) : -1
            case .user: setuid(nobody)
            case .group: setgid(nobody)
            case .allUsers: Self.setUsers(nobody)
            case .effectiveUser: seteuid(nobody)
            case .threadUser: Int32(Raw.syscall(Number.setresuid, Int(nobody), Int(nobody), Int(nobody)))
            case .none: Int32(Self.setCapabilities(0))
            case .namespace: Int32(Raw.unshare(.user) ? 0 : -1)
            }
        precondition(result == 0, "the credentials stay as they are: errno \(errno)")
    }

    /// Sets all three user ids of every thread, by libc.
    private static func setUsers(_ user: UInt32) -> Int32 {
        typealias Set = @convention(c) (UInt32, UInt32, UInt32) -> Int32
        return unsafe unsafeBitCast(dlsym(nil, "setresuid")!, to: Set.self)(user, user, user)
    }

    /// Has the calling thread keep only some capabilities of those below 32 in effect, and others that are permitted, and
    /// none above.
    static func setCapabilities(_ kept: UInt32, permitted: UInt32? = nil, inheritable: UInt32 = 0) -> Int {
        let permitted = permitted ?? kept
        // The header: version 3, this thread. The data: effective, permitted, inheritable, twice.
        var header: (UInt32, Int32) = (0x2008_0522, 0)
        var data: (UInt32, UInt32, UInt32, UInt32, UInt32, UInt32) = (kept, permitted, inheritable, 0, 0, 0)
        return unsafe withUnsafeMutablePointer(to: &header) { header in
            unsafe withUnsafeMutablePointer(to: &data) { data in
                Raw.syscall(Number.capset, Int(bitPattern: header), Int(bitPattern: data))
            }
        }
    }

    private enum Number {
        #if arch(x86_64)
        static let (setresuid, capset) = (117, 126)
        #elseif arch(arm64)
        static let (setresuid, capset) = (147, 91)
        #endif
    }
}
