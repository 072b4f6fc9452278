// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc
import Synchronization

@testable import ForkPool
@testable import ForkPoolCluster

/// The messages of ranks that are threads of this process.
final class Mailboxes: Sendable {
    struct Message {
        let source: Int
        let bytes: [UInt8]
    }

    /// By rank and channel.
    private let boxes: Mutex<[[Int32: [Message]]]>
    let count: Int

    init(_ count: Int) {
        self.count = count
        boxes = Mutex(Array(repeating: [:], count: count))
    }

    func put(_ bytes: [UInt8], from source: Int, to rank: Int, _ channel: Channel) {
        boxes.withLock { $0[rank][channel.rawValue, default: []].append(Message(source: source, bytes: bytes)) }
    }

    func first(of rank: Int, _ channel: Channel, from source: Int?) -> Message? {
        boxes.withLock { $0[rank][channel.rawValue]?.first { source == nil || $0.source == source } }
    }

    /// Takes the next message of a rank; nil if none has come.
    func take(of rank: Int, from source: Int, _ channel: Channel) -> [UInt8]? {
        boxes.withLock { boxes in
            guard let place = boxes[rank][channel.rawValue]?.firstIndex(where: { $0.source == source }) else {
                return nil
            }
            return boxes[rank][channel.rawValue]!.remove(at: place).bytes
        }
    }
}

/// A double of MPI.
final class ThreadTransport: Transport {
    @safe private struct Receiving {
        let memory: UnsafeMutableRawBufferPointer
        let source: Int
        let channel: Channel
    }

    let rank: Int
    let size: Int
    let mostBytes: Int
    private let boxes: Mailboxes
    private let sticks: Stuck?
    /// What is received, by its number.
    private var receivings: [Int32: Receiving] = [:]
    private var last: Int32 = 0

    /// A message that is never whole: of a rank, to another one, on a channel.
    struct Stuck: Codable, Equatable {
        var source: Int
        var target: Int
        var channel: Int32
    }

    init(_ rank: Int, _ boxes: Mailboxes, sticks: Stuck? = nil, mostBytes: Int = .max) {
        self.rank = rank
        self.boxes = boxes
        self.sticks = sticks
        self.mostBytes = mostBytes
        size = boxes.count
    }

    private func isStuck(from source: Int, to target: Int, _ channel: Channel) -> Bool {
        sticks == Stuck(source: source, target: target, channel: channel.rawValue)
    }

    private(set) var unsent: Int?

    func send(_ bytes: [UInt8], to rank: Int, on channel: Channel) {
        boxes.put(bytes, from: self.rank, to: rank, channel)
        if isStuck(from: self.rank, to: rank, channel) { unsent = rank }
    }

    func next(on channel: Channel, from source: Int?) -> Envelope? {
        boxes.first(of: rank, channel, from: source).map {
            Envelope(source: $0.source, size: $0.bytes.count, channel: channel)
        }
    }

    func start(sending memory: UnsafeRawBufferPointer, to rank: Int, on channel: Channel) -> Transfer {
        if isStuck(from: self.rank, to: rank, channel) { return Transfer(number: -1) }
        boxes.put(unsafe Array(memory), from: self.rank, to: rank, channel)
        return Transfer(number: 0)
    }

    func start(receiving memory: UnsafeMutableRawBufferPointer, from rank: Int, on channel: Channel) -> Transfer {
        if isStuck(from: rank, to: self.rank, channel) {
            _ = boxes.take(of: self.rank, from: rank, channel)
            return Transfer(number: -1)
        }
        // A message that is there belongs to this transfer, as in MPI, if no earlier one waits for it.
        let isFirst = !receivings.values.contains { $0.source == rank && $0.channel == channel }
        if isFirst, let bytes = boxes.take(of: self.rank, from: rank, channel) {
            unsafe memory.copyBytes(from: bytes)
            return Transfer(number: 0)
        }
        last += 1
        unsafe receivings[last] = Receiving(memory: memory, source: rank, channel: channel)
        return Transfer(number: last)
    }

    func isDone(_ transfer: Transfer) -> Bool {
        guard transfer.number > 0 else { return transfer.number == 0 }
        guard let receiving = receivings[transfer.number],
            let bytes = boxes.take(of: rank, from: receiving.source, receiving.channel)
        else { return false }
        unsafe receiving.memory.copyBytes(from: bytes)
        receivings[transfer.number] = nil
        return true
    }

    func abort() -> Never { _exit(3) }
}

/// Hosts that are threads of this process.
enum Hosts {
    /// Runs a program on so many hosts at once; returns what each returned or threw.
    static func run<T: Sendable>(
        _ count: Int, workers: Int = 2, options: ForkPool.Options = ForkPool.Options(), stallTimeout: Duration? = nil,
        sticks: ThreadTransport.Stuck? = nil, mostBytes: Int = .max,
        clock: @escaping @Sendable () -> Int = monotonicNanoseconds,
        build: @Sendable (Int) -> String = { _ in "same" }, _ body: @Sendable (Cluster) throws -> T
    ) -> [Result<T, ForkPool.Failure>] {
        let boxes = Mailboxes(count)
        return Threads.run(count) { rank in
            let hello = Hello(build: build(rank), host: "h\(rank + 1)", processors: "0-1")
            do {
                let transport = ThreadTransport(rank, boxes, sticks: sticks, mostBytes: mostBytes)
                return .success(
                    try Cluster.run(
                        over: transport, hello, workers: workers, options: options, stallTimeout: stallTimeout,
                        clock: clock, body))
            } catch let failure as ForkPool.Failure {
                return .failure(failure)
            } catch {
                return .failure(.noMemory("threw \(error)"))
            }
        }
    }

    /// Ends this process if it still runs after ten minutes: then it hangs.
    static func setDeadline() {
        var alone = sigset_t()
        unsafe sigemptyset(&alone)
        unsafe sigaddset(&alone, SIGALRM)
        unsafe pthread_sigmask(SIG_UNBLOCK, &alone, nil)
        alarm(600)
    }
}
