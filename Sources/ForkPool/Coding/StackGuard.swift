// SPDX-License-Identifier: Apache-2.0
internal import CForkPool

/// Knows whether the calling thread's stack has room for one more level of a value.
///
/// A value that is nested deeply is coded by as deep a recursion, which would end the process at the end of the stack. Where
/// that is costs a microsecond to find out, so it is asked only once the recursion has used some kilobytes.
struct StackGuard {
    /// The value is nested too deeply for the thread's stack.
    ///
    /// It has no coding path and no value: either would be as deep as what it complains about.
    struct Overflow: Error, CustomStringConvertible {
        var description: String {
            "a value is nested too deeply for this thread's stack; keep a flat array of its parts"
        }
    }

    /// The bytes of stack that a coding may use before it asks where the stack ends, and where the system does not say.
    private static let unasked: UInt = 16 << 10
    private static let unknown: UInt = 128 << 10

    /// The address that the stack may grow to without another look.
    private var mark: UInt = 0
    private var isExact = false

    /// Begins at the present end of the stack; one coding runs on one thread.
    mutating func begin() {
        mark = cforkpool_stack_address() &- Self.unasked
        isExact = false
    }

    @inline(__always)
    var isReached: Bool {
        mutating get { cforkpool_stack_address() < mark && findEnd() }
    }

    /// Finds the end of the stack, if that was not done; returns whether it is reached.
    @inline(never)
    private mutating func findEnd() -> Bool {
        if !isExact {
            let limit = cforkpool_stack_limit()
            mark = limit == 0 ? mark &- (Self.unknown - Self.unasked) : min(limit, mark)
            isExact = true
        }
        return cforkpool_stack_address() < mark
    }
}
