// SPDX-License-Identifier: Apache-2.0
#if Command
/// The exit codes of the verbs.
enum Exit {
    /// A part of the work failed, or a check found a slower command.
    static let partial: Int32 = 1
    /// The runs were too few or too noisy to decide.
    static let inconclusive: Int32 = 3
    /// A measured command failed.
    static let commandFailed: Int32 = 4
    /// There is no baseline, or none from this host.
    static let noBaseline: Int32 = 5
    /// The command line is wrong (`EX_USAGE`), as argument-parser reports it too.
    static let usage: Int32 = 64
    /// The input cannot be read (`EX_NOINPUT`).
    static let noInput: Int32 = 66
    /// The pool or the command itself failed (`EX_SOFTWARE`).
    static let internalError: Int32 = 70
    /// The results cannot be written (`EX_IOERR`).
    static let output: Int32 = 74
    /// A job of `run` failed; the code of `xargs`.
    static let jobFailed: Int32 = 123
    /// A job of `run` timed out; the code of `timeout`.
    static let jobTimedOut: Int32 = 124
    /// A signal killed a job of `run`; the code of `xargs`.
    static let jobKilled: Int32 = 125
    /// A program cannot be run; the code of shells.
    static let notExecutable: Int32 = 126
    /// A program does not exist; the code of shells.
    static let notFound: Int32 = 127
    /// The reader closed the output; the code of shells for an end by SIGPIPE.
    static let closedPipe: Int32 = 141
}
#endif
