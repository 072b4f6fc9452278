// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool
import ForkPoolLaunch
import Glibc

/// A job of a run: one item, and the number of its job.
struct RunJob {
    /// From 1, in the order of the input, among the items of all shards.
    let number: Int
    /// From 1, in the order of the input, among the items of this run.
    let position: Int
    let values: [[UInt8]]
    /// What it reads from its standard input, with `--pipe`; nil once it has ended.
    var records: [UInt8]?
    /// What a log tells of its input.
    var input = JobInput()
    /// The number of the attempt, from 1.
    var attempt = 1

    /// The item as it is printed: its values with spaces between.
    var item: [UInt8] { values.count == 1 ? values[0] : CommandTemplate.joined(values) }
}

extension RunJob {
    /// Its number and the beginning of its item, as messages name it; records have no item.
    var name: String {
        values.isEmpty
            ? "job \(number)" : "job \(number) (\(printable(String(decoding: item.prefix(80), as: UTF8.self))))"
    }
}

/// How a job ended, and what it used.
struct JobResult {
    /// How a job ended.
    enum Status: Equatable {
        case exited(Int32)
        case killed(by: Int32)
        /// After so many nanoseconds.
        case timedOut(after: Int)
        /// It wrote more than `--max-output`.
        case tooMuchOutput
        /// It was to be ended, which the system refused.
        case notEnded(call: String, code: Int32)
        /// It could not be started.
        case refused(call: String, code: Int32)
        /// The program exists, but the interpreter in its first line does not.
        case noInterpreter
        /// Its item contains a zero byte, which no argument can.
        case zeroByte
        /// Its item has fewer columns than the command has placeholders for.
        case missingColumn(String, has: Int)
        /// It was stopped because another job failed.
        case cancelled
        /// A signal to the tool ended it.
        case interrupted(by: Int32)
    }

    let status: Status
    let words: [[UInt8]]
    /// When it started, in nanoseconds since 1970.
    let start: Int
    /// How long it ran, in nanoseconds.
    let wall: Int
    /// The resources that it used; nil if it never ran.
    let usage: CommandEnd?

    var isSuccess: Bool { status == .exited(0) }

    /// Whether it was stopped for no fault of its own.
    var isUnfinished: Bool {
        switch status {
        case .cancelled, .interrupted: true
        default: false
        }
    }

    /// The exit code of a run in which this is the worst result.
    var exitCode: Int32 {
        switch status {
        case .exited(0), .cancelled, .interrupted: 0
        case .exited, .tooMuchOutput: Exit.jobFailed
        case .timedOut, .notEnded: Exit.jobTimedOut
        case .killed: Exit.jobKilled
        case .refused("execve", ENOENT): Exit.notFound
        case .refused, .noInterpreter, .zeroByte, .missingColumn: Exit.notExecutable
        }
    }

    /// What to say of the name of a program that does not exist: it may be a whole command in quotes.
    static func hint(_ program: [UInt8]) -> String {
        program.contains(UInt8(ascii: " ")) ? "; a command is several words, or a script for --sh" : ""
    }

    /// Describes the result in words.
    func sentence(_ limits: RunLimits) -> String {
        switch status {
        case .exited(let code): "exit status \(code)"
        case .killed(let signal): "killed by \(CommandEnd.name(ofSignal: signal))"
        case .timedOut(let time): "timed out after \(fixed(Double(time) / 1e9, 3)) s"
        case .tooMuchOutput: "wrote more than \(exactByteSize(limits.maxOutput)), see --max-output"
        case .refused("execve", ENOENT):
            "no such program: \(printable(String(decoding: words[0], as: UTF8.self)))\(Self.hint(words[0]))"
        case .noInterpreter:
            "cannot be run: the interpreter that \(printable(String(decoding: words[0], as: UTF8.self))) names does not exist"
        case .refused("execve", E2BIG):
            "its command is too long for the system\(limits.batchBytes == nil ? "" : "; see --batch-bytes")"
        case .refused(let call, let code): "could not be started: \(call): \(systemMessage(code))"
        case .notEnded(let call, let code):
            "took too long or wrote too much, and could not be ended: \(call): \(systemMessage(code)); it still runs, as another user"
        case .zeroByte: "its item contains a zero byte, which no argument can; with -0 a zero byte ends an item"
        case .missingColumn(let name, let count): "its item has only \(counted(count, "column")), and none for \(name)"
        case .cancelled: "unfinished: it was stopped because another job failed"
        case .interrupted(let signal): "unfinished: \(CommandEnd.name(ofSignal: signal)) stopped it"
        }
    }
}
#endif
