/// The exit codes of every verb.
enum Exit {
    /// Something of what was asked for failed; the rest was done.
    static let partial: Int32 = 1
    /// The machine was too noisy to tell.
    static let inconclusive: Int32 = 3
    /// A command that was to be measured failed.
    static let commandFailed: Int32 = 4
    /// There is no baseline, or none of this host.
    static let noBaseline: Int32 = 5
    /// The command line is wrong (`EX_USAGE`); argument-parser uses it too.
    static let usage: Int32 = 64
    /// What was named as input cannot be opened (`EX_NOINPUT`).
    static let noInput: Int32 = 66
    /// The pool or the command itself failed (`EX_SOFTWARE`).
    static let internalError: Int32 = 70
    /// The results cannot be written (`EX_IOERR`).
    static let output: Int32 = 74
    /// A job of `run` failed, timed out, or was killed, as `xargs` and `timeout` say it.
    static let jobFailed: Int32 = 123
    static let jobTimedOut: Int32 = 124
    static let jobKilled: Int32 = 125
    /// A program cannot be run, or there is none, as shells say it.
    static let notExecutable: Int32 = 126
    static let notFound: Int32 = 127
    /// Nobody reads the results any more: what a shell reports for an end by `SIGPIPE`.
    static let closedPipe: Int32 = 141
}
