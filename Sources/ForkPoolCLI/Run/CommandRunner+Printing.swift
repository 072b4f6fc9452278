// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPoolLaunch
import ForkPool
import Glibc

extension CommandRunner {
    /// Prints the jobs that have ended and whose turn it is.
    func printEnded() throws {
        while let job = reorderBuffer.takeNext() { try print(job) }
    }

    /// Prints a job whose turn it is.
    func print(_ waiting: WaitingJob) throws {
        switch waiting {
        case .held(let finished, let size):
            if size > 0 {
                memory.held -= size
                memory.heldCaptures -= finished.captures
            }
            unwritten.append(finished.job.number)
            try print(finished)
        case .stored(let job):
            unwritten.append(job.number)
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
        isCut = false
        try attempt { try write(out, to: output, tags, .output) }
        if err.length > 0 {
            // If both streams go to one file or terminal, the lines of a job stay together.
            try attempt { try output.flush() }
            try attempt {
                try write(err, to: errors, tags, .errors)
                try errors.flush()
            }
        }
        // Each unfinished output is marked; of failures, the first ones are told.
        if let sentence = isUnfinished ? failure : failure.flatMap({ tally.report($0) }) {
            try attempt { try output.flush() }
            try attempt {
                status.beginLine()
                try errors.take("forkpool: \(printable(sentence))\n".utf8)
                try errors.flush()
            }
        }
        if !isUnfinished { tally.printed += 1 }
        if let line, !isCut { log?.append(line) }
    }

    /// Writes to one of the outputs.
    ///
    /// Once a signal ends the run, an output that is not read does not keep the other one from its reader; the job is cut.
    private func attempt(_ body: () throws -> Void) throws {
        guard isEnding else { return try body() }
        // Nothing follows a torn output in the same file.
        let isClosed = (output.isTorn || errors.isTorn) && OutputWriter.goToOneFile(STDOUT_FILENO, STDERR_FILENO)
        if isClosed || (try? body()) == nil { isCut = true }
    }

    /// Prints the rest of an output of a job.
    private func write(
        _ captured: JobOutput, to writer: OutputWriter, _ tags: JobTags?,
        _ stream: JobStream
    ) throws {
        guard let tags else { return try writer.take(captured) }
        try captured.forEachPiece { try writer.take(tags[stream].tagged($0)) }
        // The next line is another job's, or of its other output.
        if tags[stream].isWithinLine { try writer.take("\n".utf8) }
    }

    /// Prints what was not printed yet when a signal ended the run: the jobs that wait, and what others have written.
    ///
    /// - Returns: The numbers of the jobs whose outputs may be missing or cut: the reader took too long or is gone, or there
    ///   was another signal.
    func printUnfinished(_ interrupted: Interrupted) -> [Int] {
        guard settings.order != .live else { return [] }
        ReaderPatience.restart()
        var rest = reorderBuffer.drain()
        rest += pending.compactMap { job in job.last.map { (job.job.position, .held($0, memory: 0)) } }
        for case let each? in running {
            rest.append((each.job.position, .held(unfinished(each, .interrupted(by: interrupted.number)), memory: 0)))
        }
        rest.sort { $0.number < $1.number }
        var unprinted = unwritten
        isCut = false
        for writer in [output, errors] { try? attempt { try writer.flush() } }
        if !isCut, (try? flush()) != nil { unprinted = [] }
        for (_, job) in rest {
            let isRead = (try? print(job)) != nil
            try? attempt { try output.flush() }
            if isRead, !isCut { try? flush() } else if job.hasOutput { unprinted.append(job.number) }
        }
        return unprinted
    }

    /// Writes the collected output, then the log: a job counts as done once its output is written.
    func flush() throws {
        try output.flush()
        try errors.flush()
        unwritten.removeAll(keepingCapacity: true)
        written = tally.printed
        try log?.flush()
    }
}
#endif
