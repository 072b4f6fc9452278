// SPDX-License-Identifier: Apache-2.0
#if Command
extension ResumeLog {
    /// Refuses a log whose jobs are not those of this run.
    ///
    /// - Parameters:
    ///   - done: What the log says of a job.
    ///   - job: The job.
    ///   - settings: The command of this run, and what its jobs read.
    /// - Throws: `LogMismatch`.
    func check(_ done: Done, _ job: RunJob, _ settings: RunSettings) throws(LogMismatch) {
        func refuse(_ part: LogMismatch.Part) throws(LogMismatch) {
            throw LogMismatch(number: job.number, path: path, part: part)
        }
        if done.item != job.item { try refuse(settings.hasBatches ? .batch : .item) }
        // The slot of a job may be another one in each run.
        if !settings.template.usesSlot, let words = done.words {
            let own = settings.template.words(job.values, number: job.number, slot: 1)
            if Self.joined(own) != words { try refuse(.command(own)) }
        }
        if done.input.folder != job.input.folder { try refuse(.folder(job.input.folder)) }
        if settings.input?.usesSlot != true, done.input.source != job.input.source {
            try refuse(job.records == nil ? .input(job.input.source) : .records)
        }
    }
}

/// The log to resume has another item, command or input for a job.
struct LogMismatch: Error {
    /// What is different, with what it is in this run.
    enum Part {
        case item
        case batch
        case command([[UInt8]])
        case folder([UInt8]?)
        case input([UInt8]?)
        case records
    }

    let number: Int
    let path: String
    let part: Part

    /// The message.
    var sentence: String {
        let (other, difference) =
            switch part {
            case .item: ("other items", "had another item")
            case .batch: ("other items, or another -n, -X, --batch-bytes or -j", "had other items")
            case .command(let words): ("another command", "was not \(quotedForShell(words))")
            case .folder(let folder):
                ("another --wd", folder.map { "did not run in \(quotedForShell([$0]))" } ?? "ran in a folder of --wd")
            case .input(let file):
                ("other input", file.map { "did not read \(quotedForShell([$0]))" } ?? "had a standard input")
            case .records: ("other input", "had other records of --pipe")
            }
        return "\(path) is the log of a run with \(other): its job \(number) \(difference); nothing is left running"
    }
}
#endif
