// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPoolLaunch
import ForkPool
import Glibc

extension CommandRunner {
    /// Prints a job whose turn it is.
    func print(_ waiting: WaitingJob) throws {
        switch waiting {
        case .held(let finished, let size):
            if size > 0 {
                memory.held -= size
                memory.heldCaptures -= finished.captures
            }
            try print(finished)
        case .stored(let job):
            let texts = try job.readTexts()
            try print(
                job.output, job.errors, settings.tags ? JobTags(texts.item) : nil, failure: texts.failure,
                line: texts.line)
            job.remove()
        }
    }

    private func print(_ finished: FinishedJob) throws {
        let isUnfinished = finished.result.isUnfinished
        try print(
            finished.output, finished.errors, finished.tags, failure: finished.failure(settings.limits),
            line: isUnfinished || log == nil ? nil : JobLog.line(finished), isUnfinished: isUnfinished)
    }

    /// Prints the outputs of a job, and logs the job.
    private func print(
        _ out: JobOutput, _ err: JobOutput, _ tags: JobTags?, failure: String?, line: String?,
        isUnfinished: Bool = false
    ) throws {
        if out.length + err.length > 0 { status.clearIfShared() }
        try write(out, to: output, tags, .output)
        if err.length > 0 {
            // If both streams go to one file or terminal, the lines of a job stay together.
            try output.flush()
            try write(err, to: errors, tags, .errors)
            try errors.flush()
        }
        // Each unfinished output is marked; of failures, the first ones are told.
        if let sentence = isUnfinished ? failure : failure.flatMap({ tally.report($0) }) {
            status.clear()
            try output.flush()
            try errors.take("forkpool: \(printable(sentence))\n".utf8)
            try errors.flush()
        }
        if !isUnfinished { tally.printed += 1 }
        if let line { log?.append(line) }
    }

    /// Prints the rest of an output of a job.
    private func write(
        _ captured: JobOutput, to writer: OutputWriter, _ tags: JobTags?,
        _ stream: JobStream
    ) throws {
        guard let tags else { return try writer.take(captured) }
        try captured.forEachPiece { try writer.take(tags[stream].tagged($0)) }
        // The next line is another job's.
        if settings.order == .lines, tags[stream].isWithinLine { try writer.take("\n".utf8) }
    }

    /// Prints what no job printed yet when a signal ended the run: the jobs that wait, and what others have written.
    ///
    /// - Throws: `OutputError`, or `Interrupted` if the reader takes too long or there is another signal.
    func printUnfinished(_ interrupted: Interrupted) throws {
        guard settings.order != .live, !output.isTorn, !errors.isTorn else { return }
        lastWrite = (deadline: now() + CommandGuard.grace, signals: RunSignals.endings)
        var rest = reorderBuffer.drain()
        rest += pending.compactMap { job in job.last.map { (job.job.position, .held($0, memory: 0)) } }
        for case let each? in running {
            rest.append((each.job.position, .held(unfinished(each, .interrupted(by: interrupted.number)), memory: 0)))
        }
        for each in rest.sorted(by: { $0.number < $1.number }) { try print(each.job) }
        try flush()
    }
}
#endif
