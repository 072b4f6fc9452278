import ForkPool
import ForkPoolLaunch
import Glibc

extension JobRunner {
    /// So many captures are looked at together before they are used again.
    private static let batch = 32

    /// Begins as many jobs as there are places and items.
    func launch() throws {
        while !isStopping, let slot = running.firstIndex(where: { $0 == nil }), let next = try nextJob() {
            guard try start(next, slot) else { return }
        }
    }

    /// Begins a job.
    ///
    /// - Returns: Whether more can be begun now; if not, the job is the next one.
    private func start(_ next: Begin, _ slot: Int) throws -> Bool {
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
            running[slot] = Running(
                job: job, words: words, process: process, output: captures?.output, errors: captures?.errors,
                date: date, start: start, deadline: settings.limits.timeout.map { now() + $0 })
            return true
        } catch let refusal as OutputRefusal where Self.isScarce(refusal.code) && canFree {
            return putBack(next)
        } catch let refusal as SystemError {
            if Self.isScarce(refusal.code), canFree { return putBack(next) }
            let isWithoutInterpreter = refusal.call == "execve" && refusal.code == ENOENT
            try refuse(
                job, words, isWithoutInterpreter ? .noInterpreter : .refused(call: refusal.call, code: refusal.code))
            return true
        }
    }

    /// Whether an errno tells of something that is there again when a job has ended.
    private static func isScarce(_ code: Int32) -> Bool { [EAGAIN, ENOMEM, EMFILE, ENFILE].contains(code) }

    private var canFree: Bool { !spares.isEmpty || !used.isEmpty || running.contains { $0 != nil } }

    /// Makes a job the next one; returns whether it can be begun at once, without the captures that were kept.
    private func putBack(_ next: Begin) -> Bool {
        retries.insert(next, at: 0)
        defer {
            spares.removeAll()
            used.removeAll()
        }
        return !spares.isEmpty || !used.isEmpty
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
            // A script that does not say what is to run it: sh, as everywhere.
            return try CommandProcess(
                path: Array("/bin/sh".utf8), arguments: [Array("sh".utf8), path] + words.dropFirst(), input: null,
                output: output, errors: errors, guarded: guarded)
        }
    }

    /// Where a job is to write; nil if it writes where this tool does.
    private func captures(for job: Job) throws -> (output: Capture, errors: Capture)? {
        if let folder = settings.results {
            let name = "\(folder)/\(job.number)"
            return (try Capture(file: "\(name).out"), try Capture(file: "\(name).err"))
        }
        guard settings.order != .live else { return nil }
        return (try spare(), try spare())
    }

    /// A capture that nobody writes to.
    private func spare() throws(SystemError) -> Capture {
        if spares.isEmpty, used.count >= Self.batch { renew() }
        if let capture = spares.popLast() { return capture }
        return try Capture()
    }

    /// Makes captures that jobs left into such that nobody writes to; all of them are dropped if somebody may.
    private func renew() {
        // Whom a job left behind may still write to what it had.
        if guarded.hasNoStrays(beside: running.compactMap { $0?.process }) {
            for capture in used { capture.clear() }
            spares = used
        }
        used.removeAll(keepingCapacity: true)
    }

    /// Ends a job that never began.
    private func refuse(_ job: Job, _ words: [[UInt8]], _ reason: JobEnd.Reason) throws {
        let end = JobEnd(reason: reason, words: words, start: nanoseconds(of: CLOCK_REALTIME), wall: 0, usage: nil)
        try finish(Finished(job: job, end: end, output: .nothing, errors: .nothing, bytes: 0))
    }
}
