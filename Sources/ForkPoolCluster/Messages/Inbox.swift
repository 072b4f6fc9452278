// SPDX-License-Identifier: Apache-2.0

/// The messages of a channel, each when all of it has come: nothing waits in the middle of one.
final class Inbox {
    private struct Arrival {
        let message: Message
        let transfer: Transfer
        var isDone = false
    }

    /// The bytes of messages on their way at which no second one of a rank is taken up.
    private static let most = 64 << 20

    private let transport: any Transport
    private let channel: Channel
    private var arrivals: [Arrival] = []
    private var size = 0

    init(_ transport: any Transport, _ channel: Channel) {
        self.transport = transport
        self.channel = channel
    }

    /// The next message; of one rank they come in order.
    func next() -> Message? {
        while let envelope = look() {
            let message = Message(envelope)
            let transfer = unsafe transport.start(receiving: message.memory, from: envelope.source, on: channel)
            if arrivals.isEmpty, transport.isDone(transfer) { return message }
            arrivals.append(Arrival(message: message, transfer: transfer))
            size += envelope.size
        }
        var late: Set<Int> = []
        for place in arrivals.indices {
            if !arrivals[place].isDone { arrivals[place].isDone = transport.isDone(arrivals[place].transfer) }
            let message = arrivals[place].message
            if arrivals[place].isDone, !late.contains(message.source) {
                arrivals.remove(at: place)
                size -= unsafe message.memory.count
                return message
            }
            late.insert(message.source)
        }
        return nil
    }

    /// Looks for a message that there is room for: a rank that sends much does not keep others waiting.
    private func look() -> Envelope? {
        guard size >= Self.most else { return transport.next(on: channel, from: nil) }
        let sources = Set(arrivals.map(\.message.source))
        for rank in 0..<transport.size where !sources.contains(rank) {
            if let envelope = transport.next(on: channel, from: rank) { return envelope }
        }
        return nil
    }
}

/// A message.
@safe final class Message {
    let source: Int
    fileprivate let memory: UnsafeMutableRawBufferPointer

    fileprivate init(_ envelope: Envelope) {
        source = envelope.source
        unsafe memory = UnsafeMutableRawBufferPointer.allocate(byteCount: envelope.size, alignment: 16)
    }

    deinit { unsafe memory.deallocate() }

    var bytes: [UInt8] { unsafe Array(memory) }

    func withBytes<T>(_ read: (UnsafeRawBufferPointer) -> T) -> T {
        unsafe read(UnsafeRawBufferPointer(memory))
    }
}
