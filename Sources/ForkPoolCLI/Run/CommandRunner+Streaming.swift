// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPoolLaunch
import ForkPool
import Glibc

extension CommandRunner {
    /// How often the outputs of running jobs are read, in nanoseconds.
    private static let pause = 100_000_000
    /// A line that is longer is printed in parts.
    private static let longestLine = 1 << 20

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
        while capture.printed < length {
            let bytes = try capture.read(from: capture.printed, min(length - capture.printed, Self.longestLine))
            let end = bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 }
            guard let end = end ?? (bytes.count == Self.longestLine ? bytes.count : nil) else { break }
            status.clearIfShared()
            if let tags {
                try writer.take(tags[stream].tagged(bytes[..<end]))
            } else {
                try writer.take(bytes[..<end])
            }
            // The bytes go to another stream's lines only as whole lines.
            try writer.flush()
            capture.markPrinted(upTo: capture.printed + end)
            // The jobs go on meanwhile.
            try checkMemory()
        }
    }
}
#endif
