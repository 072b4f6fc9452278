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
        guard let parts = entry.parts() else { return }
        var new = entry.items
        while let first = new.first {
            guard !isThere[first] else {
                new = new.dropFirst()
                continue
            }
            var end = first
            let start = used
            while end < new.upperBound, !isThere[end], !entry.isCoded || end == first {
                let part = parts[end - entry.items.lowerBound]
                unsafe UnsafeMutableRawBufferPointer(rebasing: memory[used..<used + part.count])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: entry.bytes[part]))
                used += part.count
                isThere[end] = true
                end += 1
            }
            pieces.append(Piece(items: first..<end, bytes: start..<used))
            new = end..<new.upperBound
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
