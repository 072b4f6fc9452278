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

    func first(of rank: Int, _ channel: Channel) -> Message? {
        boxes.withLock { $0[rank][channel.rawValue]?.first }
    }

    func take(of rank: Int, from source: Int, _ channel: Channel) -> [UInt8] {
        boxes.withLock { boxes in
            let place = boxes[rank][channel.rawValue]!.firstIndex { $0.source == source }!
            return boxes[rank][channel.rawValue]!.remove(at: place).bytes
        }
    }
}

/// A double of MPI.
final class ThreadTransport: Transport {
    let rank: Int
    let size: Int
    private let boxes: Mailboxes

    init(_ rank: Int, _ boxes: Mailboxes) {
        self.rank = rank
        self.boxes = boxes
        size = boxes.count
    }

    func send(_ bytes: [UInt8], to rank: Int, on channel: Channel) {
        boxes.put(bytes, from: self.rank, to: rank, channel)
    }

    func send(_ bytes: UnsafeRawBufferPointer, to rank: Int, on channel: Channel) {
        boxes.put(unsafe Array(bytes), from: self.rank, to: rank, channel)
    }

    func next(on channel: Channel) -> Envelope? {
        boxes.first(of: rank, channel).map { Envelope(source: $0.source, size: $0.bytes.count, channel: channel) }
    }

    func receive(_ envelope: Envelope, into memory: UnsafeMutableRawBufferPointer) {
        unsafe memory.copyBytes(from: boxes.take(of: rank, from: envelope.source, envelope.channel))
    }

    var isIdle: Bool { true }

    func abort() -> Never { _exit(3) }
}

/// Hosts that are threads of this process.
enum Hosts {
    /// Runs a program on so many hosts at once; returns what each returned or threw.
    static func run<T: Sendable>(
        _ count: Int, workers: Int = 2, options: ForkPool.Options = ForkPool.Options(), stallTimeout: Duration? = nil,
        build: @Sendable (Int) -> String = { _ in "same" }, _ body: @Sendable (Cluster) throws -> T
    ) -> [Result<T, ForkPool.Failure>] {
        let boxes = Mailboxes(count)
        return Threads.run(count) { rank in
            let hello = Hello(build: build(rank), host: "h\(rank + 1)", processors: "0-1")
            do {
                let transport = ThreadTransport(rank, boxes)
                return .success(
                    try Cluster.run(
                        over: transport, hello, workers: workers, options: options, stallTimeout: stallTimeout, body))
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
