// SPDX-License-Identifier: Apache-2.0
/// Ends the process if a condition is false, and says why in release builds too.
///
/// The optimizer drops the message of `precondition`; it keeps that of `fatalError`.
@_alwaysEmitIntoClient @inline(__always)
func require(
    _ isTrue: Bool, _ message: @autoclosure () -> String, file: StaticString = #file, line: UInt = #line
) {
    if _slowPath(!isTrue) { trap(message(), file: file, line: line) }
}

/// Ends the process for an error of the program that uses the library.
@usableFromInline @inline(never)
func trap(_ message: String, file: StaticString = #file, line: UInt = #line) -> Never {
    fatalError("ForkPool: \(message)", file: file, line: line)
}
