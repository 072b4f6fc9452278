// SPDX-License-Identifier: Apache-2.0
#if Command
import ArgumentParser
import Glibc

/// The arguments of this process, as text and as bytes.
enum CommandLineText {
    /// Refuses arguments that are not UTF-8, because argument-parser would change them.
    ///
    /// - Parameter last: How many arguments at the end may have any bytes.
    /// - Throws: `ValidationError` that names the argument.
    static func check(before last: Int = 0) throws {
        // The name of the program itself may have any bytes.
        for position in 0..<max(0, Int(CommandLine.argc) - last) where position > 0 {
            let bytes = argument(position)
            guard String(validating: bytes, as: UTF8.self) == nil else { continue }
            throw ValidationError(
                "argument \(position), \(printable(String(decoding: bytes, as: UTF8.self))), is not UTF-8; "
                    + "only the items and command words of forkpool run may have other bytes.")
        }
    }

    /// Returns the last arguments as bytes.
    static func lastArguments(_ count: Int) -> [[UInt8]] {
        let all = Int(CommandLine.argc)
        return (max(0, all - count)..<all).map(argument)
    }

    private static func argument(_ position: Int) -> [UInt8] {
        unsafe CommandLine.unsafeArgv[position].map { unsafe bytes(of: $0) } ?? []
    }
}

/// Copies the bytes of a C string, without the zero at its end.
@unsafe func bytes(of text: UnsafePointer<CChar>) -> [UInt8] {
    unsafe (0..<strlen(text)).map { unsafe UInt8(bitPattern: text[$0]) }
}
#endif
