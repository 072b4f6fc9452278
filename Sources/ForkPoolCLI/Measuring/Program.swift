// SPDX-License-Identifier: Apache-2.0
#if Command
import Glibc

/// A command to run: the path of its program, and its arguments.
struct Program: Sendable {
    /// The command line, for messages.
    let label: String
    let path: [UInt8]
    let arguments: [[UInt8]]
    /// The exit codes with which it did its work.
    var successes: Set<Int32> = [0]

    /// Finds the program of a command line.
    ///
    /// - Parameters:
    ///   - line: The command line.
    ///   - shell: The words of the shell that runs the line; nil if its words are the arguments.
    /// - Throws: `ProgramError`.
    init(_ line: String, shell: [String]?) throws(ProgramError) {
        if let shell {
            try self.init(shell + ["-c", line], label: line)
        } else {
            let words: [String]
            do throws(ShellWords.SplitError) {
                words = try ShellWords.split(line)
            } catch {
                throw .line(line, error)
            }
            try self.init(words, label: line)
        }
    }

    /// Finds the program of a list of words.
    ///
    /// - Parameters:
    ///   - words: The name of the program, and its arguments.
    ///   - label: The command line for messages; if nil, the words quoted for a shell.
    /// - Throws: `ProgramError.missing`.
    init(_ words: [String], label: String? = nil) throws(ProgramError) {
        let arguments = words.map { Array($0.utf8) }
        self.label = label ?? quotedForShell(arguments)
        self.arguments = arguments
        do throws(ProgramSearchError) {
            var search = ProgramSearch()
            path = try search.find(arguments[0])
        } catch {
            throw .missing(words[0], error)
        }
    }
}

/// The reason why a command cannot be run.
enum ProgramError: Error, CustomStringConvertible {
    /// The line cannot be split into words.
    case line(String, ShellWords.SplitError)
    /// The program does not exist, or is not executable.
    case missing(String, ProgramSearchError)
    /// The system refuses to start it: an errno.
    case refused(String, Int32)

    /// The exit code of shells for this error; 64 if the line is wrong.
    var code: Int32 {
        switch self {
        case .line: Exit.usage
        case .missing(_, let missing): missing.exitCode
        case .refused: Exit.notExecutable
        }
    }

    var description: String {
        switch self {
        case .line(let line, let problem): "\"\(line)\": \(problem)"
        case .missing("", _): "a command without a name cannot be run"
        case .missing(let name, let missing): "\(name): \(missing.reason)"
        case .refused(let name, let code): "\(name): cannot be started: \(systemMessage(code))"
        }
    }
}
#endif
