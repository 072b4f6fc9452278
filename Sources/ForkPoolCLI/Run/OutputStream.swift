import Glibc

/// One of the tool's own outputs, to which the jobs' outputs are copied.
///
/// Little is collected, and written at once by `flush`; much goes from the job's memory to a pipe or file without passing
/// through this process (`sendfile`).
final class OutputStream {
    private static let capacity = 1 << 16
    private let descriptor: Int32
    private let name: String
    private var buffer: [UInt8] = []
    private var canSend = true
    /// What is done whenever a signal interrupts a writing that waits for its reader.
    private let whileWaiting: () throws -> Void

    /// - Parameters:
    ///   - descriptor: Where to write.
    ///   - name: What a message calls it.
    ///   - whileWaiting: What is done whenever a signal interrupts a writing that waits for its reader.
    init(_ descriptor: Int32, name: String, whileWaiting: @escaping () throws -> Void) {
        self.descriptor = descriptor
        self.name = name
        self.whileWaiting = whileWaiting
        buffer.reserveCapacity(Self.capacity)
    }

    /// Whether something was collected and not written yet.
    var isPending: Bool { !buffer.isEmpty }

    /// Takes what a job wrote.
    ///
    /// - Throws: `OutputRefusal`, or what is done while waiting throws.
    func take(_ captured: Captured) throws {
        switch captured {
        case .nothing: break
        case .bytes(let bytes): try take(bytes)
        case .whole(let capture, let length):
            try flush()
            try send(capture, length)
        }
    }

    /// Takes some bytes.
    func take(_ bytes: some Collection<UInt8>) throws {
        buffer += bytes
        if buffer.count >= Self.capacity { try flush() }
    }

    /// Writes what was collected (`write`).
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
        var place: off_t = 0
        while canSend, Int(place) < length {
            let result = unsafe sendfile(descriptor, capture.descriptor, &place, min(length - Int(place), 1 << 24))
            if result == 0 { return }
            if result > 0 { continue }
            // A terminal, or a file that is appended to.
            if errno == EINVAL { canSend = false } else { try refused() }
        }
        while Int(place) < length {
            var chunk = [UInt8](repeating: 0, count: min(length - Int(place), Self.capacity))
            let count = unsafe pread(capture.descriptor, &chunk, chunk.count, place)
            guard count > 0 else { return }
            place += off_t(count)
            try take(chunk[..<count])
        }
        try flush()
    }

    /// Does what there is to be done after an interruption, and throws every other refusal.
    private func refused() throws {
        let code = errno
        switch code {
        case EINTR: try whileWaiting()
        case EAGAIN:
            var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            _ = unsafe poll(&entry, 1, 100)
            try whileWaiting()
        default: throw OutputRefusal(what: name, code: code)
        }
    }
}
