// SPDX-License-Identifier: Apache-2.0
#if Command
import Glibc

/// Copies the outputs of jobs to standard output or standard error.
///
/// Small outputs are collected, and `flush` writes them together. Large ones go from the job's capture to a pipe or file
/// without passing through this process (`sendfile`).
final class OutputWriter {
    private static let capacity = 1 << 16
    private let descriptor: Int32
    private let name: String
    /// The progress on the terminal that this writes to; nil if it writes elsewhere.
    private let terminal: RunStatusLine?
    private var buffer: [UInt8] = []
    private var canSend: Bool
    /// Runs whenever a signal interrupts a write that waits for its reader.
    private let whileWaiting: () throws -> Void

    /// Makes a writer.
    ///
    /// - Parameters:
    ///   - descriptor: The descriptor to write to.
    ///   - name: The name of the output in messages.
    ///   - terminal: The progress on the terminal that it writes to; nil if it writes elsewhere.
    ///   - whileWaiting: Runs whenever a signal interrupts a write that waits for its reader.
    init(
        _ descriptor: Int32, name: String, terminal: RunStatusLine? = nil, whileWaiting: @escaping () throws -> Void
    ) {
        self.descriptor = descriptor
        self.name = name
        self.terminal = terminal
        // What goes beside a bar is to be seen.
        canSend = terminal == nil
        self.whileWaiting = whileWaiting
        buffer.reserveCapacity(Self.capacity)
    }

    /// Whether a write was given up within an output: nothing may follow it.
    private(set) var isTorn = false

    /// Whether collected bytes wait to be written.
    var isPending: Bool { !buffer.isEmpty }

    /// Takes the output of a job.
    ///
    /// - Throws: `OutputError`, or an error of `whileWaiting`.
    func take(_ captured: JobOutput) throws {
        guard case .whole = captured else { return try captured.forEachPiece { try take($0) } }
        try flush()
        for (file, range) in captured.parts { try send(file, range) }
    }

    /// Collects bytes, and writes them if there are many.
    func take(_ bytes: some Collection<UInt8>) throws {
        buffer += bytes
        if buffer.count >= Self.capacity { try flush() }
    }

    /// Writes the collected bytes (`write`).
    func flush() throws {
        guard !isTorn else { throw OutputError(what: name, code: EINTR) }
        guard !buffer.isEmpty else { return }
        terminal?.clear()
        var done = 0
        defer {
            if done > 0 { terminal?.isWithinLine = buffer[done - 1] != UInt8(ascii: "\n") }
            if done == buffer.count { buffer.removeAll(keepingCapacity: true) } else { buffer.removeFirst(done) }
        }
        while done < buffer.count {
            let result = unsafe buffer.withUnsafeBytes { bytes in
                unsafe write(descriptor, bytes.baseAddress! + done, bytes.count - done)
            }
            guard result >= 0 else {
                try refused()
                continue
            }
            done += result
            ReaderPatience.noteProgress()
        }
    }

    /// Hears what a file system tells only at the end of a file.
    ///
    /// - Throws: `OutputError`.
    func end() throws(OutputError) {
        let code = closingError(of: descriptor)
        guard code == 0 else { throw OutputError(what: name, code: code) }
    }

    private func send(_ file: Int32, _ range: Range<Int>) throws {
        var offset = off_t(range.lowerBound)
        while canSend, Int(offset) < range.upperBound {
            let rest = range.upperBound - Int(offset)
            let result = unsafe sendfile(descriptor, file, &offset, min(rest, 1 << 24))
            if result == 0 { return }
            if result > 0 {
                ReaderPatience.noteProgress()
                continue
            }
            // sendfile does not write to a terminal, nor to a file opened for appending.
            if errno == EINVAL { canSend = false } else { try refused() }
        }
        while Int(offset) < range.upperBound {
            let bytes = try readAll(file, Int(offset)..<min(range.upperBound, Int(offset) + Self.capacity))
            guard !bytes.isEmpty else { return }
            offset += off_t(bytes.count)
            try take(bytes)
        }
        try flush()
    }

    /// Handles a failed write: returns if it is to be tried again, throws otherwise.
    private func refused() throws {
        let code = errno
        guard code == EINTR || code == EAGAIN else { throw OutputError(what: name, code: code) }
        if code == EAGAIN {
            var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            _ = unsafe poll(&entry, 1, 100)
        }
        do { try whileWaiting() } catch {
            isTorn = true
            // The reader of another output gets its own time, but not after a second signal.
            if RunSignals.endings == 1 { ReaderPatience.restart() }
            throw error
        }
    }

    /// Whether two descriptors are of one file, pipe or terminal (`fstat`).
    static func goToOneFile(_ first: Int32, _ second: Int32) -> Bool {
        var (one, other) = (stat(), stat())
        guard unsafe fstat(first, &one) == 0, unsafe fstat(second, &other) == 0 else { return false }
        return one.st_dev == other.st_dev && one.st_ino == other.st_ino
    }
}
#endif
