// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Glibc

/// The failure of a system call: which call, and why.
package struct SystemError: Error, Equatable, CustomStringConvertible {
    package let call: String
    /// The errno, positive.
    package let code: Int32

    package init(call: String, code: Int32) {
        self.call = call
        self.code = code
    }

    static let noMemory = ENOMEM

    package var description: String { "the system refused \(call): \(reason)" }

    /// The system's text for the errno: "Cannot allocate memory (errno 12)".
    var reason: String {
        let text = unsafe Self.text { unsafe cforkpool_strerror(code, $0, $1) }
        return "\(text.isEmpty ? "unknown error" : text) (errno \(code))"
    }

    /// Throws the error that a negative result of a shim function stands for; retries EINTR.
    package static func check<Number: SignedInteger & FixedWidthInteger>(
        _ call: String, _ body: () -> Number
    ) throws(SystemError) -> Number {
        while true {
            let result = body()
            if result >= 0 { return result }
            if result != Number(-EINTR) { throw SystemError(call: call, code: Int32(truncatingIfNeeded: -result)) }
        }
    }

    /// The name of a signal, as `SIGSEGV`.
    package static func name(ofSignal signal: Int32) -> String {
        let name = unsafe text { unsafe cforkpool_sigabbrev(signal, $0, $1) }
        return name.isEmpty ? "signal \(signal)" : "SIG\(name)"
    }

    private static func text(_ write: (UnsafeMutablePointer<CChar>, Int) -> Int) -> String {
        unsafe String(unsafeUninitializedCapacity: 128) { buffer in
            unsafe buffer.withMemoryRebound(to: CChar.self) { unsafe write($0.baseAddress!, $0.count) }
        }
    }
}
