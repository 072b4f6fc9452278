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
        nextStart = nil
        while !isStopping, let slot = freeSlot() {
            if hasJobs, let later = throttle.earliestStart() {
                nextStart = later
                if let message = throttle.takeMessage() { status.report(message) }
                return
            }
            guard let next = try nextJob(), try start(next, slot) else { return }
        }
    }

    /// Whether there may be a job to start now.
    private var hasJobs: Bool { !pending.isEmpty || !source.isAtEnd }

    /// Finds a free slot, or makes one: `-j 0` has many that few runs need.
    private func freeSlot() -> Int? {
        if let slot = running.firstIndex(where: { $0 == nil }) { return slot }
        guard running.count < settings.jobs else { return nil }
        running.append(nil)
        return running.count - 1
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
        for template in [settings.template, settings.input] {
            guard let name = template?.missingColumn(in: job.values) else { continue }
            try refuse(job, words, .missingColumn(name, has: job.values.count))
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
            let process = try spawn(path, words, job, slot, captures)
            for capture in [captures?.output, captures?.errors] { capture?.pipe?.closeWriting() }
            throttle.started(at: start)
            if memory.nextLook == nil, captures != nil { memory.nextLook = start + OutputMemory.firstLook }
            let timeout = settings.limits.timeout?.nanoseconds
            running[slot] = RunningJob(
                job: job, words: words, process: process, output: captures?.output, errors: captures?.errors,
                tags: settings.tags ? JobTags(job.item) : nil, date: date, start: start, timeout: timeout,
                deadline: timeout.map { now() + $0 })
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

    private var canFree: Bool {
        !emptyCaptures.isEmpty || !usedCaptures.isEmpty || !leftPipes.isEmpty || running.contains { $0 != nil }
    }

    /// Makes a job the next one, and frees the kept captures; returns whether there were any.
    private func putBack(_ next: PendingJob) -> Bool {
        pending.insert(next, at: 0)
        defer {
            emptyCaptures.removeAll()
            usedCaptures.removeAll()
            leftPipes.removeAll()
        }
        return !emptyCaptures.isEmpty || !usedCaptures.isEmpty || !leftPipes.isEmpty
    }

    private func spawn(
        _ path: [UInt8], _ words: [[UInt8]], _ job: RunJob, _ slot: Int,
        _ captures: (output: Capture, errors: Capture)?
    ) throws -> CommandProcess {
        let file = try input(for: job, slot)
        defer { if let file { close(file) } }
        return try CommandProcess(
            path: path, arguments: words, environment: environment(of: job, slot), input: file ?? null,
            output: captures?.output.descriptor ?? STDOUT_FILENO, errors: captures?.errors.descriptor ?? STDERR_FILENO,
            guarded: guarded)
    }

    /// The most bytes of a variable or an argument, with the zero at its end (`MAX_ARG_STRLEN` of Linux).
    private static let longestWord = 128 << 10

    /// The environment of a job that a shell runs; nil for this process's own.
    private func environment(of job: RunJob, _ slot: Int) -> [[UInt8]]? {
        settings.environment.map { variables in
            let item = Array("FORKPOOL_ITEM=".utf8) + (settings.hasBatches ? job.values.first ?? [] : job.item)
            let numbers = ["FORKPOOL_NUMBER=\(job.number)", "FORKPOOL_PLACE=\(slot + 1)"].map { Array($0.utf8) }
            // A script that gets its item as arguments runs also where the variable would be too long.
            return variables + numbers + (item.count < Self.longestWord ? [item] : [])
        }
    }

    /// Opens the standard input of a job; nil if it is empty.
    ///
    /// - Throws: `SystemError`.
    private func input(for job: RunJob, _ slot: Int) throws(SystemError) -> Int32? {
        if let records = job.records { return try RecordFile.descriptor(records) }
        guard let template = settings.input else { return nil }
        let name = template.words(job.values, number: job.number, slot: slot + 1)[0]
        let file = openFile(name)
        let code = errno
        guard file >= 0 else {
            throw SystemError(call: "open \(printable(String(decoding: name, as: UTF8.self)))", code: code)
        }
        return file
    }

    /// Makes the captures for a job; nil if the job writes to this process's own outputs.
    private func captures(for job: RunJob) throws -> (output: Capture, errors: Capture)? {
        guard settings.order != .live else { return nil }
        try results?.add(job.number)
        return (try capture(for: job.number, "out"), try capture(for: job.number, "err"))
    }

    /// Makes a capture, or takes an empty one.
    private func capture(for job: Int, _ name: String) throws -> Capture {
        if let folder = settings.results {
            return try Capture(job: job, hasPipe: memory.usesPipes, kept: KeptOutput("\(folder)/\(job).\(name)"))
        }
        guard !memory.usesPipes else { return try Capture(job: job, hasPipe: true) }
        if emptyCaptures.isEmpty, usedCaptures.count >= Self.captureCheckSize { clearUsedCaptures() }
        guard let capture = emptyCaptures.popLast() else { return try Capture(job: job, hasPipe: false) }
        capture.use(for: job)
        return capture
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
