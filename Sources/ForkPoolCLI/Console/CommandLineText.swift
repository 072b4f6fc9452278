import ArgumentParser
import Glibc

/// This process's arguments as text.
enum CommandLineText {
    /// Refuses arguments with bytes that are no UTF-8, which argument-parser puts something else for.
    ///
    /// - Parameter last: How many arguments at the end may be any bytes.
    /// - Throws: Which argument is none.
    static func check(before last: Int = 0) throws {
        for position in 0..<max(0, Int(CommandLine.argc) - last) {
            let bytes = argument(position)
            guard String(validating: bytes, as: UTF8.self) == nil else { continue }
            throw ValidationError(
                "argument \(position), \(printable(String(decoding: bytes, as: UTF8.self))), holds bytes that are no UTF-8; "
                    + "only items and the words of a command that forkpool run runs may.")
        }
    }

    /// The last arguments, byte for byte.
    static func lastArguments(_ count: Int) -> [[UInt8]] {
        let all = Int(CommandLine.argc)
        return (max(0, all - count)..<all).map(argument)
    }

    private static func argument(_ position: Int) -> [UInt8] {
        guard let argument = unsafe CommandLine.unsafeArgv[position] else { return [] }
        return unsafe Array(UnsafeBufferPointer(start: argument, count: strlen(argument))).map {
            UInt8(bitPattern: $0)
        }
    }
}
