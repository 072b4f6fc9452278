import ForkPool
import ForkPoolLaunch
import Glibc

/// One item, and the number of its job.
struct Job {
    /// From 1, in the order of the input.
    let number: Int
    let values: [[UInt8]]
    /// How often it was begun, this time included.
    var attempt = 1

    /// The item as it is shown: its values with spaces between.
    var item: [UInt8] { values.count == 1 ? values[0] : CommandTemplate.joined(values) }
}

/// How a job ended.
struct JobEnd {
    enum Reason: Equatable {
        case exited(Int32)
        case killed(by: Int32)
        case timedOut
        /// It wrote more than it may.
        case tooMuchOutput
        /// It could not be started.
        case refused(call: String, code: Int32)
        /// The program is there, and what it says is to run it is not.
        case noInterpreter
        /// Its item holds a zero byte, which no argument can.
        case zeroByte
        /// It was ended because another job failed.
        case cancelled
    }

    let reason: Reason
    let words: [[UInt8]]
    /// When it began, in nanoseconds since 1970.
    let start: Int
    /// How long it ran, in nanoseconds.
    let wall: Int
    /// What it used, if it ran.
    let usage: CommandEnd?

    var isSuccess: Bool { reason == .exited(0) }

    /// The exit code of a run in which nothing worse happens than this.
    var exitCode: Int32 {
        switch reason {
        case .exited(0), .cancelled: 0
        case .exited, .tooMuchOutput: Exit.jobFailed
        case .timedOut: Exit.jobTimedOut
        case .killed: Exit.jobKilled
        case .refused("execve", ENOENT): Exit.notFound
        case .refused, .noInterpreter, .zeroByte: Exit.notExecutable
        }
    }

    /// What became of it, in words.
    func sentence(_ limits: RunLimits) -> String {
        switch reason {
        case .exited(let status): "exit status \(status)"
        case .killed(let signal): "killed by \(CommandEnd.name(ofSignal: signal))"
        case .timedOut: "timed out after \(fixed(Double(limits.timeout ?? 0) / 1e9, 3)) s"
        case .tooMuchOutput: "wrote more than \(byteSize(limits.maxOutput)), see --max-output"
        case .refused("execve", ENOENT): "no such program: \(printable(String(decoding: words[0], as: UTF8.self)))"
        case .noInterpreter:
            "cannot be run: there is no such interpreter as \(printable(String(decoding: words[0], as: UTF8.self))) names"
        case .refused(let call, let code): "could not be started: \(call): \(systemMessage(code))"
        case .zeroByte: "its item holds a zero byte, which no argument can; with -0 items end with one"
        case .cancelled: "ended because another job failed"
        }
    }
}

/// What a job may use.
struct RunLimits {
    /// In nanoseconds; nil: as long as it takes.
    var timeout: Int?
    /// How often a job that failed is begun again.
    var retries = 0
    /// The most bytes of each output.
    var maxOutput = 1 << 30
}
