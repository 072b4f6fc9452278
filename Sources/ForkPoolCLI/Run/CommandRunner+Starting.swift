// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPoolLaunch
import ForkPool
import Glibc

extension CommandRunner {
    /// How many used captures to check at once before they are used again.
    ///
    /// The kernel closes each open capture in each job that starts.
    private static let captureCheckSize = 8

    /// Starts jobs while there are free slots and items.
    func startJobs() throws {
        while !isStopping, let slot = running.firstIndex(where: { $0 == nil }), let next = try nextJob() {
            guard try start(next, slot) else { return }
        }
    }

    /// Starts a job.
    ///
    /// - Returns: Whether more jobs can start now; if false, this job is next.
    private func start(_ next: PendingJob, _ slot: Int) throws -> Bool {
        let job = next.job
        let words = settings.template.words(job.values, number: job.number, slot: slot + 1)
        guard !words.contains(where: { $0.contains(0) }) else {
            try refuse(job, words, .zeroByte)
            return true
        }
        let path: [UInt8]
        do { path = try search.find(words[0]) } catch {
            try refuse(job, words, .refused(call: "execve", code: error.code))
            return true
        }
        do {
            let captures = try captures(for: job)
            let (date, start) = (nanoseconds(of: CLOCK_REALTIME), now())
            let process = try spawn(path, words, captures)
            running[slot] = RunningJob(
                job: job, words: words, process: process, output: captures?.output, errors: captures?.errors,
                date: date, start: start, deadline: settings.limits.timeout.map { now() + $0 })
            return true
        } catch let refusal as OutputError where Self.isScarce(refusal.code) && canFree {
            return putBack(next)
        } catch let refusal as SystemError {
            if Self.isScarce(refusal.code), canFree { return putBack(next) }
            let isWithoutInterpreter = refusal.call == "execve" && refusal.code == ENOENT
            try refuse(
                job, words, isWithoutInterpreter ? .noInterpreter : .refused(call: refusal.call, code: refusal.code))
            return true
        }
    }

    /// Whether an errno names a resource that comes back when a job ends.
    private static func isScarce(_ code: Int32) -> Bool { [EAGAIN, ENOMEM, EMFILE, ENFILE].contains(code) }

    private var canFree: Bool { !emptyCaptures.isEmpty || !usedCaptures.isEmpty || running.contains { $0 != nil } }

    /// Makes a job the next one, and frees the kept captures; returns whether there were any.
    private func putBack(_ next: PendingJob) -> Bool {
        pending.insert(next, at: 0)
        defer {
            emptyCaptures.removeAll()
            usedCaptures.removeAll()
        }
        return !emptyCaptures.isEmpty || !usedCaptures.isEmpty
    }

    private func spawn(
        _ path: [UInt8], _ words: [[UInt8]], _ captures: (output: Capture, errors: Capture)?
    ) throws(SystemError) -> CommandProcess {
        let output = captures?.output.descriptor ?? STDOUT_FILENO
        let errors = captures?.errors.descriptor ?? STDERR_FILENO
        do {
            return try CommandProcess(
                path: path, arguments: words, input: null, output: output, errors: errors, guarded: guarded)
        } catch {
            guard error.code == ENOEXEC else { throw error }
            // A script without a `#!` line runs by sh, as shells do it.
            return try CommandProcess(
                path: Array("/bin/sh".utf8), arguments: [Array("sh".utf8), path] + words.dropFirst(), input: null,
                output: output, errors: errors, guarded: guarded)
        }
    }

    /// Makes the captures for a job; nil if the job writes to this process's own outputs.
    private func captures(for job: RunJob) throws -> (output: Capture, errors: Capture)? {
        if let folder = settings.results {
            let name = "\(folder)/\(job.number)"
            return (try Capture(file: "\(name).out"), try Capture(file: "\(name).err"))
        }
        guard settings.order != .live else { return nil }
        return (try emptyCapture(), try emptyCapture())
    }

    /// Takes an empty capture, or makes one.
    private func emptyCapture() throws(SystemError) -> Capture {
        if emptyCaptures.isEmpty, usedCaptures.count >= Self.captureCheckSize { clearUsedCaptures() }
        if let capture = emptyCaptures.popLast() { return capture }
        return try Capture()
    }

    /// Empties the used captures for new jobs; drops them all if a process may still write to them.
    private func clearUsedCaptures() {
        // A process that a job left running may still write to the job's capture.
        if guarded.hasNoStrays(beside: running.compactMap { $0?.process }) {
            for capture in usedCaptures { capture.clear() }
            emptyCaptures = usedCaptures
        }
        usedCaptures.removeAll(keepingCapacity: true)
    }

    /// Finishes a job that could not start.
    private func refuse(_ job: RunJob, _ words: [[UInt8]], _ status: JobResult.Status) throws {
        let result = JobResult(
            status: status, words: words, start: nanoseconds(of: CLOCK_REALTIME), wall: 0, usage: nil)
        try finish(FinishedJob(job: job, result: result, output: .nothing, errors: .nothing, bytes: 0))
    }
}
#endif
