/// The exit codes of every verb.
enum Exit {
    /// Something of what was asked for failed; the rest was done.
    static let partial: Int32 = 1
    /// The machine was too noisy to tell.
    static let inconclusive: Int32 = 3
    /// The command line is wrong (`EX_USAGE`); argument-parser uses it too.
    static let usage: Int32 = 64
    /// What was named as input cannot be opened (`EX_NOINPUT`).
    static let noInput: Int32 = 66
    /// The pool or the command itself failed (`EX_SOFTWARE`).
    static let internalError: Int32 = 70
    /// The results cannot be written (`EX_IOERR`).
    static let output: Int32 = 74
    /// Nobody reads the results any more: what a shell reports for an end by `SIGPIPE`.
    static let closedPipe: Int32 = 141
}
