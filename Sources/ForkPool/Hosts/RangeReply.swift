// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// The outcomes of some neighbours, as a host sends them to the root.
///
/// While a range runs its host sends what is new several times, and the rest when the range has ended.
///
/// The bytes of results are those of their slots or arenas, without a second coding. Five words stand before them: the first
/// item, the number of items, the flags, the bytes of results, the bytes of failures. Where not every item has a new result, a
/// byte for each item says what it has. The results follow: slots, or the length of each and then their bytes; and then the
/// coded failures.
package enum RangeReply {
    static let headSize = 5 * MemoryLayout<Int>.size

    enum Flags {
        /// It is the last reply for the range.
        static let isLast = 1
        /// A mark for each item stands before the results.
        static let hasMarks = 2
        /// The host has no workers: it ran nothing of the range.
        static let isRefused = 4
    }

    /// What an item has in a reply.
    enum Mark {
        static let none: UInt8 = 0
        static let result: UInt8 = 1
        /// It failed; the last reply for the range says why.
        static let failed: UInt8 = 2
    }

    /// The bytes of a reply, unless a single result is larger; and the most of a result, which fits into a message.
    static let size = 16 << 20
    package static let mostResult = 1 << 30

    /// The bytes of the first of some replies that follow each other in a message; nil if they contradict themselves.
    package static func size(ofFirst replies: UnsafeRawBufferPointer) -> Int? {
        guard replies.count >= headSize else { return nil }
        func word(_ place: Int) -> Int { unsafe replies.loadUnaligned(fromByteOffset: 8 * place, as: Int.self) }
        let parts = [word(2) & Flags.hasMarks != 0 ? word(1) : 0, word(3), word(4)]
        var size = headSize
        for part in parts {
            guard part >= 0, part <= replies.count - size else { return nil }
            size += part
        }
        return size
    }

    /// The reply of a host that has no workers.
    package static func refused(_ items: Range<Int>, _ failure: ForkPool.Failure, from host: String) -> [UInt8] {
        let coded = HostCoding.bytes(of: [failure.named(nil, host)])
        return head(items, Flags.isLast | Flags.hasMarks | Flags.isRefused, values: 0, failures: coded.count)
            + [UInt8](repeating: Mark.none, count: items.count) + coded
    }

    fileprivate static func head(_ items: Range<Int>, _ flags: Int, values: Int, failures: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: headSize)
        unsafe bytes.withUnsafeMutableBytes { bytes in
            unsafe write(items, flags, values: values, failures: failures, to: bytes)
        }
        return bytes
    }

    @unsafe fileprivate static func write(
        _ items: Range<Int>, _ flags: Int, values: Int, failures: Int, to bytes: UnsafeMutableRawBufferPointer
    ) {
        unsafe bytes.storeBytes(of: items.lowerBound, toByteOffset: 0, as: Int.self)
        unsafe bytes.storeBytes(of: items.count, toByteOffset: 8, as: Int.self)
        unsafe bytes.storeBytes(of: flags, toByteOffset: 16, as: Int.self)
        unsafe bytes.storeBytes(of: values, toByteOffset: 24, as: Int.self)
        unsafe bytes.storeBytes(of: failures, toByteOffset: 32, as: Int.self)
    }
}

extension RangeBatch {
    /// Makes the replies with what was not reported of the range, which has ended, and hands each to `send`.
    package func reply(from host: String, _ send: ([UInt8]) -> Void) {
        // Where nothing failed there is nothing to find out.
        if reportedCount == 0, !isCoded, batch.isWhole, items.count * stride <= RangeReply.size {
            return send(wholeReply())
        }
        let result = batch.result()
        // The last reply has an item, also if all were reported.
        var start = min(isReported.firstIndex(of: false) ?? isReported.count, items.count - 1)
        repeat {
            let end = endOfReply(from: start)
            send(lastReply(from: host, start..<end, result))
            start = end
        } while start < items.count
    }

    /// Hands replies to `send` with the outcomes that were not reported yet, while the range runs; returns whether there
    /// were some.
    package func report(_ send: ([UInt8]) -> Void) -> Bool {
        guard batch.results.finishedCount > reportedCount else { return false }
        if isReported.isEmpty { isReported = Array(repeating: false, count: items.count) }
        let before = reportedCount
        var start = 0
        while let first = (start..<items.count).first(where: { newMark(of: $0) != RangeReply.Mark.none }) {
            start = endOfReply(from: first)
            var marks = (first..<start).map(newMark)
            let coded = unsafe codedBytes(first, &marks)
            guard let last = marks.lastIndex(where: { $0 != RangeReply.Mark.none }) else { continue }
            marks.removeSubrange((last + 1)...)
            for (place, mark) in marks.enumerated() where mark != RangeReply.Mark.none {
                isReported[first + place] = true
                reportedCount += 1
            }
            send(unsafe reply(first, marks, coded, flags: 0, failures: []))
        }
        return reportedCount > before
    }

    /// What an item has that was not reported.
    private func newMark(of item: Int) -> UInt8 {
        if !isReported.isEmpty, isReported[item] { return RangeReply.Mark.none }
        return switch unsafe batch.results.states[item].load(ordering: .acquiring) {
        case ItemState.value: RangeReply.Mark.result
        case ItemState.unfinished: RangeReply.Mark.none
        default: RangeReply.Mark.failed
        }
    }

    /// The reply with all slots of the range.
    private func wholeReply() -> [UInt8] {
        let slots = unsafe slots(0..<items.count)
        let size = RangeReply.headSize + slots.count
        return unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            let bytes = UnsafeMutableRawBufferPointer(buffer)
            unsafe RangeReply.write(items, RangeReply.Flags.isLast, values: slots.count, failures: 0, to: bytes)
            unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[RangeReply.headSize...]).copyMemory(from: slots)
            count = size
        }
    }

    private var stride: Int { batch.shape.slotStride }
    private var isCoded: Bool { batch.shape.kind?.isCoded ?? false }

    /// Where a reply ends that begins with an item of the batch.
    private func endOfReply(from start: Int) -> Int {
        guard isCoded else { return min(items.count, start + max(1, RangeReply.size / max(stride, 1))) }
        var (end, size) = (start, 0)
        while end < items.count, size < RangeReply.size {
            if newMark(of: end) == RangeReply.Mark.result { size += unsafe codedBytes(of: end)?.count ?? 0 }
            end += 1
        }
        return end
    }

    /// The bytes of an item's coded result, if it has one that fits into a message.
    private func codedBytes(of item: Int) -> UnsafeRawBufferPointer? {
        guard let bytes = unsafe batch.results.codedBytes(of: item), bytes.count <= RangeReply.mostResult else {
            return nil
        }
        return unsafe bytes
    }

    /// The bytes of the coded results among the marks; what has no bytes loses its mark.
    ///
    /// Each length is read once: a body that writes where it must not cannot make one that contradicts the bytes.
    private func codedBytes(_ first: Int, _ marks: inout [UInt8]) -> [UnsafeRawBufferPointer] {
        guard isCoded else { return unsafe [] }
        var coded: [UnsafeRawBufferPointer] = unsafe []
        for place in marks.indices where marks[place] == RangeReply.Mark.result {
            if let bytes = unsafe codedBytes(of: first + place) {
                unsafe coded.append(bytes)
            } else {
                marks[place] = RangeReply.Mark.none
            }
        }
        return unsafe coded
    }

    /// The reply for a part of the range, which has ended; the last one has the failures of all items.
    private func lastReply(from host: String, _ part: Range<Int>, _ result: MapResult) -> [UInt8] {
        let wanted = part.map(newMark)
        var marks = wanted
        let coded = unsafe codedBytes(part.lowerBound, &marks)
        var failures = part.filter { marks[$0 - part.lowerBound] != wanted[$0 - part.lowerBound] }.map {
            ForkPool.Failure.beyondMessage($0).named(items.lowerBound + $0, host)
        }
        guard part.upperBound == items.count else {
            return unsafe reply(part.lowerBound, marks, coded, flags: 0, failures: failures)
        }
        failures += result.failures.map { $0.value.named(items.lowerBound + $0.key, host) }
        if let whole = result.whole { failures.append(whole.named(nil, host)) }
        return unsafe reply(part.lowerBound, marks, coded, flags: RangeReply.Flags.isLast, failures: failures)
    }

    private func reply(
        _ first: Int, _ marks: [UInt8], _ coded: [UnsafeRawBufferPointer], flags: Int, failures: [ForkPool.Failure]
    ) -> [UInt8] {
        let isWhole = marks.allSatisfy { $0 == RangeReply.Mark.result }
        var bytes = [UInt8](repeating: 0, count: RangeReply.headSize) + (isWhole ? [] : marks)
        let start = bytes.count
        if isCoded {
            unsafe coded.forEach { bytes.append(little: UInt64($0.count)) }
            unsafe coded.forEach { unsafe bytes.append(contentsOf: $0) }
        } else if isWhole {
            unsafe bytes.append(contentsOf: slots(first..<first + marks.count))
        } else {
            for (place, mark) in marks.enumerated() where mark == RangeReply.Mark.result {
                unsafe bytes.append(contentsOf: slots(first + place..<first + place + 1))
            }
        }
        let valueSize = bytes.count - start
        if !failures.isEmpty { bytes += HostCoding.bytes(of: failures) }
        let place = items.lowerBound + first
        let head = RangeReply.head(
            place..<place + marks.count, isWhole ? flags : flags | RangeReply.Flags.hasMarks, values: valueSize,
            failures: bytes.count - start - valueSize)
        bytes.replaceSubrange(..<RangeReply.headSize, with: head)
        return bytes
    }

    private func slots(_ items: Range<Int>) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(
            start: batch.results.slots + items.lowerBound * stride, count: items.count * stride)
    }
}

extension ForkPool.Failure {
    /// The failure with an item's number in the whole map, and the host on which it ran.
    func named(_ item: Int?, _ host: String) -> Self {
        var failure = item.map(at) ?? self
        failure.host = host
        return failure
    }

    static func beyondMessage(_ item: Int) -> Self {
        Self(
            .noMemory, index: item,
            "has a result that is damaged, or larger than \(RangeReply.mostResult >> 30) GiB, the most that goes from host to "
                + "host")
    }
}
