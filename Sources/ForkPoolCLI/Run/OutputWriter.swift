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
    private var buffer: [UInt8] = []
    private var canSend = true
    /// Runs whenever a signal interrupts a write that waits for its reader.
    private let whileWaiting: () throws -> Void

    /// Makes a writer.
    ///
    /// - Parameters:
    ///   - descriptor: The descriptor to write to.
    ///   - name: The name of the output in messages.
    ///   - whileWaiting: Runs whenever a signal interrupts a write that waits for its reader.
    init(_ descriptor: Int32, name: String, whileWaiting: @escaping () throws -> Void) {
        self.descriptor = descriptor
        self.name = name
        self.whileWaiting = whileWaiting
        buffer.reserveCapacity(Self.capacity)
    }

    /// Whether collected bytes wait to be written.
    var isPending: Bool { !buffer.isEmpty }

    /// Takes the output of a job.
    ///
    /// - Throws: `OutputError`, or an error of `whileWaiting`.
    func take(_ captured: JobOutput) throws {
        switch captured {
        case .nothing: break
        case .bytes(let bytes): try take(bytes)
        case .whole(let capture, let length):
            try flush()
            try send(capture, length)
        }
    }

    /// Collects bytes, and writes them if there are many.
    func take(_ bytes: some Collection<UInt8>) throws {
        buffer += bytes
        if buffer.count >= Self.capacity { try flush() }
    }

    /// Writes the collected bytes (`write`).
    func flush() throws {
        guard !buffer.isEmpty else { return }
        var done = 0
        while done < buffer.count {
            let result = unsafe buffer.withUnsafeBytes { bytes in
                unsafe write(descriptor, bytes.baseAddress! + done, bytes.count - done)
            }
            if result >= 0 { done += result } else { try refused() }
        }
        buffer.removeAll(keepingCapacity: true)
    }

    private func send(_ capture: Capture, _ length: Int) throws {
        var offset: off_t = 0
        while canSend, Int(offset) < length {
            let result = unsafe sendfile(descriptor, capture.descriptor, &offset, min(length - Int(offset), 1 << 24))
            if result == 0 { return }
            if result > 0 { continue }
            // sendfile does not write to a terminal, nor to a file opened for appending.
            if errno == EINVAL { canSend = false } else { try refused() }
        }
        while Int(offset) < length {
            var chunk = [UInt8](repeating: 0, count: min(length - Int(offset), Self.capacity))
            let count = unsafe pread(capture.descriptor, &chunk, chunk.count, offset)
            guard count > 0 else { return }
            offset += off_t(count)
            try take(chunk[..<count])
        }
        try flush()
    }

    /// Handles a failed write: returns if it is to be tried again, throws otherwise.
    private func refused() throws {
        let code = errno
        switch code {
        case EINTR: try whileWaiting()
        case EAGAIN:
            var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            _ = unsafe poll(&entry, 1, 100)
            try whileWaiting()
        default: throw OutputError(what: name, code: code)
        }
    }
}
#endif
