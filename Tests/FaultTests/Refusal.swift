// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A filter by which the kernel refuses calls of this process, as a container's sandbox does (`seccomp`); it lasts.
struct Refusal {
    enum Call: String, CaseIterable {
        case kill, waitid, wait4, prctl, ppoll
        case acct
        case memfdCreate = "memfd_create"
        case pidfdSendSignal = "pidfd_send_signal"
        case pidfdOpen = "pidfd_open"
        case closeRange = "close_range"

        #if arch(x86_64)
        var number: Int {
            switch self {
            case .kill: 62
            case .waitid: 247
            case .wait4: 61
            case .ppoll: 271
            case .prctl: 157
            case .acct: 163
            case .memfdCreate: 319
            case .pidfdSendSignal: 424
            case .pidfdOpen: 434
            case .closeRange: 436
            }
        }
        #elseif arch(arm64)
        var number: Int {
            switch self {
            case .kill: 129
            case .waitid: 95
            case .wait4: 260
            case .ppoll: 73
            case .prctl: 167
            case .acct: 89
            case .memfdCreate: 279
            case .pidfdSendSignal: 424
            case .pidfdOpen: 434
            case .closeRange: 436
            }
        }
        #endif
    }

    var calls: [Call]
    /// The errno of a refused call.
    var error: Int32

    /// An instruction of the filter's program (`struct sock_filter`).
    private struct Instruction {
        var code: UInt16
        var ifTrue: UInt8 = 0
        var ifFalse: UInt8 = 0
        var operand: UInt32
    }

    @unsafe private struct Program {
        var count: UInt16
        var instructions: UnsafePointer<Instruction>
    }

    /// Refuses the calls from now on, in the calling thread or in every thread, and in what they start.
    func begin(inEveryThread: Bool = false) {
        // Load the call's number; for each refused call compare and return; allow.
        var code = [Instruction(code: 0x20, operand: 0)]
        for call in calls {
            code.append(Instruction(code: 0x15, ifFalse: 1, operand: UInt32(call.number)))
            code.append(Instruction(code: 0x06, operand: 0x0005_0000 | UInt32(error)))
        }
        code.append(Instruction(code: 0x06, operand: 0x7fff_0000))
        // Without that a process that is not root may install no filter.
        Raw.setNoNewPrivileges()
        let result = unsafe code.withUnsafeBufferPointer {
            var program = unsafe Program(count: UInt16($0.count), instructions: $0.baseAddress!)
            return unsafe withUnsafeMutablePointer(to: &program) {
                Raw.syscall(Raw.seccomp, 1, inEveryThread ? 1 : 0, Int(bitPattern: $0))
            }
        }
        precondition(result == 0, "no filter: errno \(errno)")
    }
}

extension Raw {
    #if arch(x86_64)
    fileprivate static let (seccomp, prctl) = (317, 157)
    #elseif arch(arm64)
    fileprivate static let (seccomp, prctl) = (277, 167)
    #endif

    /// Calls `prctl` with an operation and two arguments.
    @discardableResult
    static func control(_ operation: Int, _ first: Int = 0, _ second: Int = 0) -> Int {
        syscall(prctl, operation, first, second)
    }

    static func setNoNewPrivileges() { control(38, 1) }

    /// Makes the orphans among this process's descendants its children.
    static func adoptOrphans() { control(36, 1) }
}
