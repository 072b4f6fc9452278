// SPDX-License-Identifier: Apache-2.0
/// A private futex call without a timeout, as `/proc/PID/syscall` shows it.
///
/// In "202 0x55b65d4b62c0 0x80 0x2 0x0 …" stand the number of the call, the word's address, the operation, a value and the
/// timeout; the last two numbers are the stack pointer and the program counter.
struct FutexCall: Equatable {
    let word: UInt64
    /// The operation without its flags.
    let command: UInt32
    let stackPointer: UInt64
    let programCounter: UInt64

    #if arch(x86_64)
    static let number: UInt64 = 202
    #elseif arch(arm64)
    static let number: UInt64 = 98
    #endif

    /// Parses the text of `syscall`; nil for every other call.
    init?(_ text: ArraySlice<UInt8>, number: UInt64 = FutexCall.number) {
        let parts = text.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
        guard parts.count == 9, ProcFile.number(parts[0], radix: 10) == number,
            let word = ProcFile.hexadecimal(parts[1]), let operation = ProcFile.hexadecimal(parts[2]),
            ProcFile.hexadecimal(parts[4]) == 0,
            let stackPointer = ProcFile.hexadecimal(parts[7]), let programCounter = ProcFile.hexadecimal(parts[8])
        else { return nil }
        // An operation has 32 bits. Without FUTEX_PRIVATE_FLAG other processes can wake the call. The clock flag only
        // matters for a timeout.
        let (privateFlag, clockFlag) = (UInt32(128), UInt32(256))
        let bits = UInt32(truncatingIfNeeded: operation)
        guard bits & privateFlag != 0 else { return nil }
        command = bits & ~(privateFlag | clockFlag)
        self.word = word
        self.stackPointer = stackPointer
        self.programCounter = programCounter
    }

    /// Whether it is a plain wait: FUTEX_WAIT or FUTEX_WAIT_BITSET.
    var isWait: Bool { command == 0 || command == 9 }

    /// Whether it asks for a lock: FUTEX_LOCK_PI or FUTEX_LOCK_PI2.
    var isLock: Bool { command == 6 || command == 13 }
}
