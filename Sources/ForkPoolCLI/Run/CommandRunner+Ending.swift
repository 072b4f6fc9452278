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
        // A share of the median counts for the jobs that started before it was known, too.
        let shareLimit = settings.limits.timeout?.share.flatMap { share in
            medianWall.value.map { Int(min(Double($0) * share, 1e18)) }
        }
        for slot in running.indices {
            guard let each = running[slot] else { continue }
            if each.ended != nil { continue }
            if let deadline = each.deadline, deadline <= time {
                // A job that ended before its deadline did not time out, even if it was not reaped yet.
                if !hasEnded(slot) { stop(slot, .timedOut(after: each.timeout ?? 0)) }
            } else if each.stopReason == nil, let limit = shareLimit, time - each.start > limit {
                if !hasEnded(slot) { stop(slot, .timedOut(after: limit)) }
            } else if each.stopReason == nil, time - each.start > 50_000_000, isTooLong(each) {
                stop(slot, .tooMuchOutput)
            }
        }
    }

    /// Returns whether the job in a slot has ended and waits to be reaped (`poll`).
    func hasEnded(_ slot: Int) -> Bool {
        guard let each = running[slot] else { return false }
        var entry = pollfd(fd: each.process.descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&entry, 1, 0) == 1
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
            // It may still write to its captures, which no other job gets.
            try finish(unfinished(each, .notEnded(call: refusal.call, code: refusal.code)))
        }
    }

    /// Makes the result of a job that is not reaped, with what it has written so far.
    func unfinished(_ each: RunningJob, _ status: JobResult.Status) -> FinishedJob {
        let result = JobResult(
            status: status, words: each.words, start: each.date, wall: now() - each.start, usage: nil)
        // A file that cannot be written keeps the name of one that is not whole, and the output is printed.
        try? complete(each)
        let (output, errors) = (whole(each.output), whole(each.errors))
        let bytes = each.output.map { out in
            out.printed + output.length + (each.errors?.printed ?? 0) + errors.length
        }
        return FinishedJob(
            job: each.job, result: result, output: output, errors: errors, bytes: bytes, tags: each.tags)
    }

    /// Takes what a job wrote that is not reaped, and brings its files of `--results` up to date.
    func complete(_ each: RunningJob) throws {
        for case let capture? in [each.output, each.errors] {
            try capture.drain(wholly: true)
            try capture.save()
        }
    }

    private func whole(_ capture: Capture?) -> JobOutput {
        guard let capture else { return .nothing }
        let length = min(capture.length, settings.limits.maxOutput)
        return length > capture.printed ? .whole(capture, capture.printed..<length) : .nothing
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
        for capture in [each.output, each.errors] { try endPipe(of: capture) }
        let lengths = (output: each.output?.length ?? 0, errors: each.errors?.length ?? 0)
        // What a job says that was stopped does not count: many programs exit with 0 on SIGTERM.
        let status: JobResult.Status =
            each.stopReason ?? (max(lengths.output, lengths.errors) > settings.limits.maxOutput ? .tooMuchOutput : nil)
            ?? usage.signal.map { .killed(by: $0) } ?? .exited(usage.status ?? -1)
        let result = JobResult(status: status, words: each.words, start: each.date, wall: wall, usage: usage)
        if result.isSuccess { medianWall.add(wall) }
        let bytes = each.output.map { _ in
            min(lengths.output, settings.limits.maxOutput) + min(lengths.errors, settings.limits.maxOutput)
        }
        let captures = settings.results == nil ? [] : [each.output, each.errors].compactMap { $0 }
        for capture in captures { try capture.save() }
        // What it read is needed no more, and may wait for long.
        var job = each.job
        job.records = nil
        let finished = FinishedJob(
            job: job, result: result, output: try take(each.output, lengths.output),
            errors: try take(each.errors, lengths.errors), bytes: bytes, tags: each.tags)
        if !result.isSuccess, status != .cancelled, each.job.attempt <= settings.limits.retries, !isStopping {
            var again = each.job
            again.attempt += 1
            let time = settings.limits.retryDelay.map { now() + $0 }
            // Many may wait, and their last outputs are printed only if they get no other attempt.
            if time != nil { for output in [finished.output, finished.errors] { try moveToDisk(output) } }
            pending.append(PendingJob(job: again, last: finished, captures: captures, notBefore: time))
            return
        }
        if status != .cancelled { try keep(captures) }
        try finish(finished)
    }

    private func moveToDisk(_ output: JobOutput) throws {
        if case .whole(let capture, _) = output { try capture.move(toDiskOf: settings.temporaryFolder) }
    }

    /// Gives the files of a finished job their final names.
    private func keep(_ captures: [Capture]) throws {
        for capture in captures { try capture.keep(atMost: settings.limits.maxOutput) }
    }

    /// Takes the output of a job out of its capture.
    private func take(_ capture: Capture?, _ length: Int) throws -> JobOutput {
        guard let capture else { return .nothing }
        let start = capture.printed
        let length = max(start, min(length, settings.limits.maxOutput))
        if length - start > Self.small { return .whole(capture, start..<length) }
        let bytes = length > start ? try capture.read(from: start, length - start) : []
        if capture.isReusable { usedCaptures.append(capture) }
        return bytes.isEmpty ? .nothing : .bytes(bytes)
    }

    /// Counts a finished job, and prints the jobs whose turn it is.
    func finish(_ finished: FinishedJob) throws {
        tally.count(finished.job, finished.result)
        reorderBuffer.add(finished.job.position, try waiting(finished))
        try printEnded()
        if !finished.result.isSuccess, !finished.result.isUnfinished, !isStopping,
            settings.failFast?.isReached(by: tally) == true
        {
            isStopping = true
            // A job that has ended keeps its own result; one that exceeded a limit is being stopped.
            for slot in running.indices where settings.failFast?.isImmediate == true {
                if let each = running[slot], each.stopReason == nil, !hasEnded(slot) { stop(slot, .cancelled) }
            }
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

    /// Says what a run that stopped early did not begin.
    func reportNeverBegun() {
        guard isStopping else { return }
        let total = source.total
        guard let next = source.takeJob() else { return }
        let job = RunJob(number: source.number, position: lastPosition + 1, values: next.values)
        let count = total.map { "\($0 - lastPosition) of \(counted($0, "job"))" } ?? "the jobs"
        status.report("--fail-fast: \(count) from \(job.name) on never began")
    }

    /// Stops what jobs left running.
    func endLeftoverProcesses() {
        let count = guarded.endAll([])
        if count > 0 {
            status.report("stopped \(counted(count, "process", "processes")) that jobs left running")
        }
    }
}
#endif
