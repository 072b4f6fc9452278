import Glibc

/// A command to run: its program, which was found, and its words.
struct Program: Sendable {
    /// As it was asked for.
    let label: String
    let path: [UInt8]
    let arguments: [[UInt8]]

    /// Finds the program of a command line.
    ///
    /// - Parameters:
    ///   - line: The command line.
    ///   - byShell: Whether `/bin/sh` runs it; else its words are the arguments.
    /// - Throws: Why there is nothing to run.
    init(_ line: String, byShell: Bool) throws(ProgramProblem) {
        if byShell {
            try self.init(["/bin/sh", "-c", line], label: line)
        } else {
            let words: [String]
            do throws(ShellWords.Problem) {
                words = try ShellWords.split(line)
            } catch {
                throw .line(line, error)
            }
            try self.init(words, label: line)
        }
    }

    /// Finds the program that a list of arguments begins with.
    ///
    /// - Parameters:
    ///   - words: The name, and its arguments.
    ///   - label: What it is called; as a shell would take the words if nil.
    /// - Throws: That there is no such program, or none that may be started.
    init(_ words: [String], label: String? = nil) throws(ProgramProblem) {
        let arguments = words.map { Array($0.utf8) }
        self.label = label ?? quotedForShell(arguments)
        self.arguments = arguments
        do throws(ProgramMissing) {
            var search = ProgramSearch()
            path = try search.find(arguments[0])
        } catch {
            throw .missing(words[0], error)
        }
    }
}

/// Why a command cannot be run.
enum ProgramProblem: Error, CustomStringConvertible {
    /// The line is none that can be split.
    case line(String, ShellWords.Problem)
    /// There is no such program, or none that may be run.
    case missing(String, ProgramMissing)
    /// The system does not start it: errno.
    case refused(String, Int32)

    /// What a shell exits with, or 64 where the line itself is wrong.
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
        case .refused(let name, ENOEXEC):
            "\(name): no program that the system can start; a script needs a first line such as #!/bin/sh"
        case .refused(let name, let code): "\(name): cannot be started: \(systemMessage(code))"
        }
    }
}
