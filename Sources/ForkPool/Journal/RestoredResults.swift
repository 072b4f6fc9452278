// SPDX-License-Identifier: Apache-2.0

/// The results that a journal had, in memory of this process alone.
@safe final class RestoredResults {
    /// Some neighbours, or one item where results are coded, and where their bytes are.
    private struct Piece {
        let items: Range<Int>
        let bytes: Range<Int>
    }

    private let memory: UnsafeMutableRawBufferPointer
    private var used = 0
    private var pieces: [Piece] = []
    /// For each item, whether its result is here.
    private(set) var isThere: [Bool]

    /// Makes the memory for at most so many bytes.
    init(items: Int, size: Int) {
        unsafe memory = .allocate(byteCount: max(size, 1), alignment: 128)
        isThere = Array(repeating: false, count: items)
    }

    deinit {
        unsafe memory.deallocate()
    }

    var bytes: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(memory) }

    /// Keeps the results of an entry whose items have none yet: a result that is there stays.
    func add(_ entry: JournalReader.Entry) {
        guard let parts = entry.isCoded ? entry.parts() : [] else { return }
        let (items, isCoded, stride) = (entry.items, entry.isCoded, entry.stride)
        var next = items.lowerBound
        while let first = (next..<items.upperBound).first(where: { !isThere[$0] }) {
            next = first
            repeat {
                isThere[next] = true
                next += 1
            } while !isCoded && next < items.upperBound && !isThere[next]
            let index = first - items.lowerBound
            let part = isCoded ? parts[index] : index * stride..<(next - items.lowerBound) * stride
            unsafe UnsafeMutableRawBufferPointer(rebasing: memory[used..<used + part.count])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: entry.bytes[part]))
            pieces.append(Piece(items: first..<next, bytes: used..<used + part.count))
            used += part.count
        }
    }

    /// Puts the results into the slots of a batch: as they are, or as extents beyond a region that ends at `regionEnd`.
    func place(in slots: UnsafeMutableRawPointer, stride: Int, isCoded: Bool, regionEnd: Int) {
        for piece in pieces {
            let slot = unsafe slots + piece.items.lowerBound * stride
            if isCoded {
                let extent = Extent(offset: regionEnd + piece.bytes.lowerBound, length: piece.bytes.count)
                unsafe slot.storeBytes(of: extent, as: Extent.self)
            } else {
                unsafe slot.copyMemory(from: memory.baseAddress! + piece.bytes.lowerBound, byteCount: piece.bytes.count)
            }
        }
    }

    /// Calls `body` with each piece: its items, and their bytes.
    func forEach(_ body: (Range<Int>, UnsafeRawBufferPointer) -> Void) {
        for piece in pieces { unsafe body(piece.items, UnsafeRawBufferPointer(rebasing: bytes[piece.bytes])) }
    }
}
