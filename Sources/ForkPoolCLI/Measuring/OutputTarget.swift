// SPDX-License-Identifier: Apache-2.0
#if Command
import ArgumentParser

/// Where the standard output of a measured command goes: the value of `--output`.
enum OutputTarget: Equatable, Sendable {
    /// It is discarded by `/dev/null`, which some programs notice.
    case null
    /// A pipe, whose reader discards it.
    case pipe
    /// The standard output of this process.
    case inherit
    /// A file, which each run writes anew.
    case file(String)

    /// Reads a target; another word is the name of a file.
    init(parsing text: String) throws {
        switch text {
        case "null": self = .null
        case "pipe": self = .pipe
        case "inherit": self = .inherit
        case "": throw ValidationError("--output needs null, pipe, inherit or a file.")
        default: self = .file(text)
        }
    }
}

/// The exit codes with which a command did its work: the value of `--exit-codes`.
struct ExitCodes: Equatable {
    let codes: Set<Int32>

    /// Reads codes with commas between them.
    ///
    /// - Throws: `ValidationError`.
    init(parsing text: String) throws {
        let codes = text.split(separator: ",", omittingEmptySubsequences: false).map { Int32($0) }
        guard codes.allSatisfy({ code in code.map { (0...255).contains($0) } ?? false }) else {
            throw ValidationError("exit codes have the form 0,1,2, and are from 0 to 255.")
        }
        self.codes = Set(codes.compactMap { $0 })
    }

    init(codes: Set<Int32>) {
        self.codes = codes
    }
}
#endif
