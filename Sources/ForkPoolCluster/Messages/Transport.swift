// SPDX-License-Identifier: Apache-2.0

/// How the ranks of a job send messages to each other: MPI, or a double of it in tests.
///
/// Messages from one rank to another on one channel come in the order in which they were sent. One thread of a rank makes all
/// calls, and none of them waits.
package protocol Transport: AnyObject {
    var rank: Int { get }
    /// The number of ranks.
    var size: Int { get }
    /// The most bytes of a message.
    var mostBytes: Int { get }

    /// Starts to send bytes, which the transport keeps until they are sent.
    func send(_ bytes: [UInt8], to rank: Int, on channel: Channel)

    /// A rank to which bytes that the transport keeps are not sent yet.
    var unsent: Int? { get }

    /// Looks for a message that has come on a channel, of any rank or of one.
    func next(on channel: Channel, from rank: Int?) -> Envelope?

    /// Starts to send memory, which stays as it is until that is done.
    @unsafe func start(sending memory: UnsafeRawBufferPointer, to rank: Int, on channel: Channel) -> Transfer

    /// Starts to receive the next message of a rank into memory of its size, which stays in place until that is done.
    @unsafe func start(receiving memory: UnsafeMutableRawBufferPointer, from rank: Int, on channel: Channel) -> Transfer

    /// Whether a transfer is done, which is asked until it is.
    func isDone(_ transfer: Transfer) -> Bool

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

/// Memory that is being sent or received.
package struct Transfer {
    /// The transport's number of it; 0 if it was done at once.
    let number: Int32
}
