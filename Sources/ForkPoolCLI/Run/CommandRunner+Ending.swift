// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPoolLaunch
import ForkPool
import Glibc

extension CommandRunner {
    /// Outputs up to this size are copied out at once, so that the next job can use the capture.
    private static let small = 1 << 16

    /// Stops jobs that exceed a limit: SIGTERM first, SIGKILL if the grace period is over.
    func checkLimits() {
        let time = now()
        for slot in running.indices {
            guard let each = running[slot] else { continue }
            if each.ended != nil { continue }
            if let deadline = each.deadline, deadline <= time {
                // A job that ended before its deadline did not time out, even if it was not reaped yet.
                if !hasEnded(slot) { stop(slot, .timedOut) }
            } else if each.stopReason == nil, time - each.start > 50_000_000, isTooLong(each) {
                stop(slot, .tooMuchOutput)
            }
        }
    }

    private func isTooLong(_ each: RunningJob) -> Bool {
        max(each.output?.length ?? 0, each.errors?.length ?? 0) > settings.limits.maxOutput
    }

    /// Sends SIGTERM to a job, or SIGKILL if it already got SIGTERM.
    private func stop(_ slot: Int, _ reason: JobResult.Status) {
        let isStopped = running[slot]?.stopReason != nil
        let refusal = running[slot]?.process.kill(isStopped ? SIGKILL : SIGTERM)
        running[slot]?.process.kill(SIGCONT)
        if isStopped { running[slot]?.refusal = refusal }
        if !isStopped { running[slot]?.stopReason = reason }
        running[slot]?.deadline = now() + CommandGuard.grace
    }

    /// Leaves jobs to themselves that the system does not let this process end, such as those of a setuid program.
    func leaveUnended() throws {
        for slot in running.indices {
            guard let each = running[slot], let refusal = each.refusal, !hasEnded(slot) else { continue }
            each.process.abandon()
            running[slot] = nil
            let result = JobResult(
                status: .notEnded(call: refusal.call, code: refusal.code), words: each.words, start: each.date,
                wall: now() - each.start, usage: nil)
            // It may still write to its captures, which no other job gets.
            let (output, errors) = (whole(each.output), whole(each.errors))
            let bytes = each.output.map { _ in output.length + errors.length }
            try finish(FinishedJob(job: each.job, result: result, output: output, errors: errors, bytes: bytes))
        }
    }

    private func whole(_ capture: Capture?) -> JobOutput {
        guard let capture, capture.length > 0 else { return .nothing }
        return .whole(capture, length: min(capture.length, settings.limits.maxOutput))
    }

    /// Reaps a job that has ended, and frees its slot.
    func end(_ slot: Int) throws {
        guard let each = running[slot] else { return }
        let usage = each.process.reap()
        let wall = (each.ended ?? now()) - each.start
        running[slot] = nil
        // Kill the rest of the process group of a job that was stopped.
        if each.stopReason != nil { each.process.killGroup() }
        guarded.release(each.process)
        let lengths = (output: each.output?.length ?? 0, errors: each.errors?.length ?? 0)
        // A cancelled job that succeeded before SIGTERM reached it has succeeded.
        let stopReason = each.stopReason == .cancelled && usage.status == 0 ? nil : each.stopReason
        let status: JobResult.Status =
            stopReason ?? (max(lengths.output, lengths.errors) > settings.limits.maxOutput ? .tooMuchOutput : nil)
            ?? usage.signal.map { .killed(by: $0) } ?? .exited(usage.status ?? -1)
        let result = JobResult(status: status, words: each.words, start: each.date, wall: wall, usage: usage)
        let output = take(each.output, lengths.output)
        let errors = take(each.errors, lengths.errors)
        let captures = [each.output, each.errors].compactMap { $0 }.filter { !$0.isReusable }
        let bytes = each.output.map { _ in output.length + errors.length }
        let finished = FinishedJob(job: each.job, result: result, output: output, errors: errors, bytes: bytes)
        if !result.isSuccess, status != .cancelled, each.job.attempt <= settings.limits.retries, !isStopping {
            var again = each.job
            again.attempt += 1
            pending.append(PendingJob(job: again, last: finished, captures: captures))
            return
        }
        if status != .cancelled { try keep(captures) }
        try finish(finished)
    }

    /// Gives the files of a finished job their final names.
    private func keep(_ captures: [Capture]) throws {
        for capture in captures { try capture.keep(atMost: settings.limits.maxOutput) }
    }

    /// Takes the output of a job out of its capture.
    private func take(_ capture: Capture?, _ length: Int) -> JobOutput {
        guard let capture else { return .nothing }
        let length = min(length, settings.limits.maxOutput)
        if length > Self.small { return .whole(capture, length: length) }
        let bytes = length > 0 ? capture.read(length) : []
        recycle(capture)
        return bytes.isEmpty ? .nothing : .bytes(bytes)
    }

    /// Keeps a capture for later jobs.
    private func recycle(_ capture: Capture?) {
        if let capture, capture.isReusable { usedCaptures.append(capture) }
    }

    /// Counts a finished job, and prints the jobs whose turn it is.
    func finish(_ finished: FinishedJob) throws {
        tally.count(finished.job, finished.result)
        for each in reorderBuffer.add(finished.job.position, finished) { try print(each) }
        if !finished.result.isSuccess, finished.result.status != .cancelled, let failFast = settings.failFast {
            isStopping = true
            for slot in running.indices where failFast == .now && running[slot] != nil { stop(slot, .cancelled) }
            // There are no more attempts: the last result of a job that was to be retried is final.
            let abandoned = pending
            pending.removeAll()
            for job in abandoned {
                guard let last = job.last else { continue }
                try keep(job.captures)
                try finish(last)
            }
        }
    }

    /// Prints the output of a job, and logs the job.
    func print(_ finished: FinishedJob) throws {
        guard finished.result.status != .cancelled else { return }
        var (out, err) = (finished.output, finished.errors)
        if settings.tags {
            (out, err) = (Tagging.tagged(out, finished.job.item), Tagging.tagged(err, finished.job.item))
        }
        if out.length + err.length > 0 { status.clearIfShared() }
        try output.take(out)
        if err.length > 0 {
            // If both streams go to one file or terminal, the lines of a job stay together.
            try output.flush()
            try errors.take(err)
            try errors.flush()
        }
        if let sentence = tally.report(finished.job, finished.result, settings.limits) {
            status.clear()
            try output.flush()
            try errors.take("forkpool: \(printable(sentence))\n".utf8)
            try errors.flush()
        }
        tally.printed += 1
        log?.append(finished.job, finished.result, bytes: finished.bytes)
    }
}
#endif
