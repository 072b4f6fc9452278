// SPDX-License-Identifier: Apache-2.0
internal import ForkPool

/// Passes memory from the root to all ranks, in pieces: each rank passes a piece on to two others while it gets the next ones.
@safe final class Delivery {
    private static let pieceSize = 1 << 20
    /// The pieces to or from a rank that are under way at a time.
    private static let most = 4

    /// What goes to a rank, or comes from it.
    private struct Lane {
        let rank: Int
        let comes: Bool
        var done = 0
        var transfers: [Transfer] = []
    }

    private let link: HostLink
    private let memory: UnsafeMutableRawBufferPointer
    private let pieces: Int
    /// Nil at the root.
    private var source: Lane?
    private var targets: [Lane]

    init(_ link: HostLink, _ memory: UnsafeMutableRawBufferPointer) {
        self.link = link
        unsafe self.memory = memory
        pieces = (memory.count + Self.pieceSize - 1) / Self.pieceSize
        let rank = link.transport.rank
        source = rank > 0 ? Lane(rank: (rank - 1) / 2, comes: true) : nil
        targets = [2 * rank + 1, 2 * rank + 2].filter { $0 < link.transport.size }.map { Lane(rank: $0, comes: false) }
    }

    /// Returns when this rank has all of it and has passed it on.
    func run() {
        // A rank that takes nothing is seen best by the one that sends to it.
        var getting = Wait(link, .short, factor: 2)
        var sending = Wait(link, .short)
        while let late = step(&getting, &sending) {
            if source.map({ $0.done < pieces }) == true, targets.allSatisfy(\.transfers.isEmpty) {
                getting.pause("gets the results of a map", for: [late])
                sending.reset()
            } else {
                sending.pause("sends the results of a map", for: [late])
                getting.reset()
            }
        }
    }

    /// Does what can be done now; returns a rank that is not done.
    private func step(_ getting: inout Wait, _ sending: inout Wait) -> Int? {
        if source != nil { while advance(&source!, upTo: pieces) { getting.reset() } }
        let there = source?.done ?? pieces
        for place in targets.indices { while advance(&targets[place], upTo: there) { sending.reset() } }
        let waiting = targets.first { !$0.transfers.isEmpty } ?? source.flatMap { $0.done < pieces ? $0 : nil }
        return waiting?.rank
    }

    /// Starts what a lane can have under way, and looks for the end of the first of it; returns whether that has come.
    private func advance(_ lane: inout Lane, upTo end: Int) -> Bool {
        while lane.transfers.count < Self.most, lane.done + lane.transfers.count < end {
            lane.transfers.append(start(lane.done + lane.transfers.count, lane))
        }
        guard let first = lane.transfers.first, link.transport.isDone(first) else { return false }
        lane.transfers.removeFirst()
        lane.done += 1
        return true
    }

    private func start(_ number: Int, _ lane: Lane) -> Transfer {
        let first = number * Self.pieceSize
        let end = unsafe min(memory.count, first + Self.pieceSize)
        let piece = unsafe UnsafeMutableRawBufferPointer(rebasing: memory[first..<end])
        return if lane.comes {
            unsafe link.transport.start(receiving: piece, from: lane.rank, on: .results)
        } else {
            unsafe link.transport.start(sending: UnsafeRawBufferPointer(piece), to: lane.rank, on: .results)
        }
    }
}
