// SPDX-License-Identifier: Apache-2.0

/// How the ranks of a job send messages to each other: MPI, or a double of it in tests.
///
/// Messages from one rank to another on one channel come in the order in which they were sent. One thread of a rank makes all
/// calls, and none of them waits.
package protocol Transport: AnyObject {
    var rank: Int { get }
    /// The number of ranks.
    var size: Int { get }

    /// Starts to send bytes, which the transport keeps until they are sent.
    func send(_ bytes: [UInt8], to rank: Int, on channel: Channel)

    /// Starts to send bytes that stay in place until `isIdle`.
    @unsafe func send(_ bytes: UnsafeRawBufferPointer, to rank: Int, on channel: Channel)

    /// Looks for a message that has come on a channel.
    func next(on channel: Channel) -> Envelope?

    /// Starts to receive a message into memory of its size, which stays in place until `isIdle`.
    @unsafe func receive(_ envelope: Envelope, into memory: UnsafeMutableRawBufferPointer)

    /// Whether all that was to be sent and received is.
    var isIdle: Bool { get }

    /// Ends the processes of all ranks.
    func abort() -> Never
}

/// What a message is for.
package enum Channel: Int32 {
    /// From a host to the root: a call that the host makes.
    case calls = 1
    /// From a host to the root: outcomes of items.
    case replies
    /// From the root to a host: what to do.
    case commands
    /// From one host to others: the results of a map.
    case results
}

/// A message that has come and was not received.
package struct Envelope {
    package let source: Int
    /// In bytes.
    package let size: Int
    package let channel: Channel

    package init(source: Int, size: Int, channel: Channel) {
        self.source = source
        self.size = size
        self.channel = channel
    }
}

extension Transport {
    /// Waits until all that was to be sent and received is.
    func finish() {
        var backoff = Backoff.short
        while !isIdle { backoff.pause() }
    }

    /// Receives the next message on a channel, if one has come.
    func receive(on channel: Channel) -> (source: Int, bytes: [UInt8])? {
        guard let envelope = next(on: channel) else { return nil }
        return (envelope.source, receive(envelope))
    }

    func receive(_ envelope: Envelope) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: envelope.size) { buffer, count in
            unsafe receive(
                envelope, into: UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: envelope.size))
            finish()
            count = envelope.size
        }
    }
}
