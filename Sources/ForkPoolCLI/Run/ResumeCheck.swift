// SPDX-License-Identifier: Apache-2.0
#if Command
extension ResumeLog {
    /// Refuses a log whose jobs are not those of this run.
    ///
    /// - Parameters:
    ///   - done: What the log says of a job.
    ///   - job: The job.
    ///   - template: The command of this run.
    /// - Throws: `LogMismatch`.
    func check(_ done: Done, _ job: RunJob, _ template: CommandTemplate) throws(LogMismatch) {
        guard done.item == job.item else { throw LogMismatch(number: job.number, path: path, words: nil) }
        // The slot of a job may be another one in each run.
        guard !template.usesSlot, let words = done.words else { return }
        let own = template.words(job.values, number: job.number, slot: 1)
        if Self.joined(own) != words { throw LogMismatch(number: job.number, path: path, words: own) }
    }
}

/// The log to resume has another item or another command for a job.
struct LogMismatch: Error {
    let number: Int
    let path: String
    /// The words of this run, if the command is another one.
    let words: [[UInt8]]?

    /// The message.
    var sentence: String {
        guard let words else {
            return
                "\(path) is the log of a run with other items: its job \(number) had another item; nothing is left running"
        }
        return "\(path) is the log of a run with another command: its job \(number) was not \(quotedForShell(words)); "
            + "nothing is left running"
    }
}
#endif
