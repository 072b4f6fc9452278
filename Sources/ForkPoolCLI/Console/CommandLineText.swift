import ArgumentParser
import Glibc

/// This process's arguments as text.
enum CommandLineText {
    /// Refuses arguments with bytes that are no UTF-8, which argument-parser puts something else for.
    ///
    /// - Parameter last: How many arguments at the end may be any bytes.
    /// - Throws: Which argument is none.
    static func check(before last: Int = 0) throws {
        // The program's own name may be anything.
        for position in 0..<max(0, Int(CommandLine.argc) - last) where position > 0 {
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
        unsafe CommandLine.unsafeArgv[position].map { unsafe bytes(of: $0) } ?? []
    }
}

/// The bytes of a C string, whatever they are.
@unsafe func bytes(of text: UnsafePointer<CChar>) -> [UInt8] {
    unsafe (0..<strlen(text)).map { unsafe UInt8(bitPattern: text[$0]) }
}
