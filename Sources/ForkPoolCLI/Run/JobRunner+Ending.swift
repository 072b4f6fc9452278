import ForkPool
import ForkPoolLaunch
import Glibc

extension JobRunner {
    /// An output up to here is taken out of its capture at once, which then is free for the next job.
    private static let small = 1 << 16

    /// Tells who is over a limit to end, and kills who does not.
    func checkLimits() {
        let time = now()
        for slot in running.indices {
            guard let each = running[slot] else { continue }
            if each.ended != nil { continue }
            if let deadline = each.deadline, deadline <= time {
                // Who has ended in time is late for nothing.
                if !hasEnded(slot) { tell(slot, .timedOut) }
            } else if each.verdict == nil, time - each.start > 50_000_000, isTooLong(each) {
                tell(slot, .tooMuchOutput)
            }
        }
    }

    private func isTooLong(_ each: Running) -> Bool {
        max(each.output?.length ?? 0, each.errors?.length ?? 0) > settings.limits.maxOutput
    }

    /// Tells a job to end, or kills it if it was told already.
    private func tell(_ slot: Int, _ verdict: JobEnd.Reason) {
        let wasTold = running[slot]?.verdict != nil
        running[slot]?.process.kill(wasTold ? SIGKILL : SIGTERM)
        running[slot]?.process.kill(SIGCONT)
        if !wasTold { running[slot]?.verdict = verdict }
        running[slot]?.deadline = now() + CommandGuard.grace
    }

    /// Takes a job that has ended from its place.
    func end(_ slot: Int) throws {
        guard let each = running[slot] else { return }
        let usage = each.process.reap()
        let wall = (each.ended ?? now()) - each.start
        running[slot] = nil
        // What is left of a group that was told to end.
        if each.verdict != nil { each.process.killGroup() }
        guarded.release(each.process)
        let lengths = (output: each.output?.length ?? 0, errors: each.errors?.length ?? 0)
        // Who was done before it heard is done.
        let verdict = each.verdict == .cancelled && usage.status == 0 ? nil : each.verdict
        let reason: JobEnd.Reason =
            verdict ?? (max(lengths.output, lengths.errors) > settings.limits.maxOutput ? .tooMuchOutput : nil)
            ?? usage.signal.map { .killed(by: $0) } ?? .exited(usage.status ?? -1)
        let end = JobEnd(reason: reason, words: each.words, start: each.date, wall: wall, usage: usage)
        let output = take(each.output, lengths.output)
        let errors = take(each.errors, lengths.errors)
        let captures = [each.output, each.errors].compactMap { $0 }.filter { !$0.isReusable }
        let bytes = each.output.map { _ in output.length + errors.length }
        let finished = Finished(job: each.job, end: end, output: output, errors: errors, bytes: bytes)
        if !end.isSuccess, reason != .cancelled, each.job.attempt <= settings.limits.retries, !isStopping {
            var again = each.job
            again.attempt += 1
            retries.append(Begin(job: again, last: finished, captures: captures))
            return
        }
        if reason != .cancelled { try keep(captures) }
        try finish(finished)
    }

    /// Gives the files of a job that ended for good their names.
    private func keep(_ captures: [Capture]) throws {
        for capture in captures { try capture.keep(atMost: settings.limits.maxOutput) }
    }

    /// Takes what a job wrote.
    private func take(_ capture: Capture?, _ length: Int) -> Captured {
        guard let capture else { return .nothing }
        let length = min(length, settings.limits.maxOutput)
        if length > Self.small { return .whole(capture, length: length) }
        let bytes = length > 0 ? capture.read(length) : []
        recycle(capture)
        return bytes.isEmpty ? .nothing : .bytes(bytes)
    }

    /// Keeps a capture for another job.
    private func recycle(_ capture: Capture?) {
        if let capture, capture.isReusable { used.append(capture) }
    }

    /// Counts a job that ended for good, and prints what can be printed by now.
    func finish(_ finished: Finished) throws {
        tally.count(finished.end)
        for each in ordered.add(finished.job.number, finished) { try print(each) }
        if !finished.end.isSuccess, finished.end.reason != .cancelled, let failFast = settings.failFast {
            isStopping = true
            for slot in running.indices where failFast == .now && running[slot] != nil { tell(slot, .cancelled) }
            // Who would have been begun again has failed for good.
            let given = retries
            retries.removeAll()
            for begin in given {
                guard let last = begin.last else { continue }
                try keep(begin.captures)
                try finish(last)
            }
        }
    }

    /// Writes what a job wrote, and notes the job.
    func print(_ finished: Finished) throws {
        guard finished.end.reason != .cancelled else { return }
        var (out, err) = (finished.output, finished.errors)
        if settings.tags {
            (out, err) = (Tagging.tagged(out, finished.job.item), Tagging.tagged(err, finished.job.item))
        }
        if out.length + err.length > 0 { status.clearIfShared() }
        try output.take(out)
        if err.length > 0 {
            // Where both go to one place, a job's own lines stay together.
            try output.flush()
            try errors.take(err)
            try errors.flush()
        }
        if let sentence = tally.tell(finished.job, finished.end, settings.limits) {
            status.clear()
            try output.flush()
            try errors.take("forkpool: \(printable(sentence))\n".utf8)
            try errors.flush()
        }
        tally.printed += 1
        log?.note(finished.job, finished.end, bytes: finished.bytes)
    }
}
