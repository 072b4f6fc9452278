// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPoolLaunch
import ForkPool
import Glibc

extension CommandRunner {
    /// How often the outputs of running jobs are read, in nanoseconds.
    private static let pause = 100_000_000
    /// How many bytes are searched for the end of a line at once; a longer line without a tag is printed in parts.
    private static let piece = 1 << 20

    /// Prints the whole lines that running jobs have written: all of them, or the one whose turn it is.
    ///
    /// The timer of `RunSignals` wakes the runner for this.
    func printRunning() throws {
        let time = now()
        guard settings.streams, time >= nextPrint else { return }
        nextPrint = time + Self.pause
        for slot in running.indices {
            guard let each = running[slot], time - each.start > Self.pause / 2 else { continue }
            guard settings.order == .lines || !reorderBuffer.mustWait(each.job.position) else { continue }
            // Only the last attempt's output counts: that of an earlier one is printed if no other follows it.
            guard each.job.attempt > settings.limits.retries else { continue }
            try printLines(each.output, to: output, each.tags, .output)
            try printLines(each.errors, to: errors, each.tags, .errors)
        }
    }

    private func printLines(
        _ capture: Capture?, to writer: OutputWriter, _ tags: JobTags?,
        _ stream: JobStream
    ) throws {
        guard let capture else { return }
        let length = min(capture.length, settings.limits.maxOutput)
        while capture.searched < length {
            let bytes = try capture.read(from: capture.searched, min(length - capture.searched, Self.piece))
            let newline = bytes.lastIndex(of: UInt8(ascii: "\n"))
            guard newline != nil || bytes.count == Self.piece else { break }
            capture.searched += newline.map { $0 + 1 } ?? bytes.count
            // With tags another output may follow, so that a long line waits for its end.
            guard newline != nil || tags == nil else { continue }
            try JobOutput.whole(capture, capture.printed..<capture.searched).forEachPiece { piece in
                try writer.take(tags?[stream].tagged(piece) ?? piece)
            }
            try writer.flush()
            capture.markPrinted(upTo: capture.searched)
            // The jobs go on meanwhile.
            try checkMemory()
        }
    }
}
#endif
