// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// The outcomes of some neighbours, as a host sends them to the root.
///
/// The bytes of results are those of their slots or arenas, without a second coding. Five words stand before them: the first
/// item, the number of items, the flags, the bytes of results, the bytes of failures. Where items failed, a byte for each item
/// says whether it has a result. The results follow: slots, or the length of each and then their bytes; and then the coded
/// failures.
package enum RangeReply {
    static let headSize = 5 * MemoryLayout<Int>.size

    enum Flags {
        /// It is the last reply for the range.
        static let isLast = 1
        /// Not every item has a result.
        static let hasFailures = 2
        /// The last failure is that of the host's pool.
        static let endsHost = 4
        /// The host has no workers: it ran nothing of the range.
        static let isRefused = 8
    }

    /// The bytes of a reply, unless a single result is larger; and the most of a result, which fits into a message.
    static let size = 16 << 20
    package static let mostResult = 1 << 30

    /// The reply of a host that has no workers.
    package static func refused(_ items: Range<Int>, _ failure: ForkPool.Failure, from host: String) -> [UInt8] {
        let coded = (try? WorkerError.bytes(of: [failure.named(nil, host)])) ?? []
        return head(
            items, Flags.isLast | Flags.hasFailures | Flags.endsHost | Flags.isRefused, values: 0, failures: coded.count
        )
            + [UInt8](repeating: 0, count: items.count) + coded
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
    /// Makes the replies for the range, which has ended, and hands one after the other to `send`.
    package func reply(from host: String, _ send: ([UInt8]) -> Void) {
        // Where nothing failed there is nothing to find out.
        if !isCoded, batch.isWhole, items.count * stride <= RangeReply.size { return send(wholeReply()) }
        let result = batch.result()
        var start = 0
        repeat {
            let end = endOfReply(from: start)
            send(reply(from: host, start..<end, result))
            start = end
        } while start < items.count
    }

    /// The reply with all slots of the range.
    private func wholeReply() -> [UInt8] {
        let slots = unsafe slots(0..<items.count, of: batch.results)
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
            size += unsafe codedBytes(of: end)?.count ?? 0
            end += 1
        }
        return end
    }

    /// The bytes of an item's coded result, if it has one that fits into a message.
    private func codedBytes(of item: Int) -> UnsafeRawBufferPointer? {
        let memory = batch.results
        guard unsafe memory.states[item].load(ordering: .acquiring) == ItemState.value,
            let bytes = unsafe memory.codedBytes(of: item), bytes.count <= RangeReply.mostResult
        else { return nil }
        return unsafe bytes
    }

    private func reply(from host: String, _ part: Range<Int>, _ result: MapResult) -> [UInt8] {
        let isLast = part.upperBound == items.count
        var flags = isLast ? RangeReply.Flags.isLast : 0
        var bytes = [UInt8](repeating: 0, count: RangeReply.headSize)
        // Each length is read once: a body that writes where it must not cannot make one that contradicts the bytes.
        let coded = unsafe isCoded ? part.map { unsafe codedBytes(of: $0) } : []
        let isWhole = unsafe result.isComplete && coded.allSatisfy { unsafe $0 != nil }
        var failures: [ForkPool.Failure] = []
        if !isWhole {
            flags |= RangeReply.Flags.hasFailures
            for item in part {
                let hasResult =
                    unsafe isCoded
                    ? coded[item - part.lowerBound] != nil
                    : result.memory.states[item].load(ordering: .acquiring) == ItemState.value
                bytes.append(hasResult ? 1 : 0)
                // Items behind the lowest failure have none of their own.
                if !hasResult, let failure = failure(of: item, result) {
                    failures.append(failure.named(items.lowerBound + item, host))
                }
            }
            if isLast, let whole = result.whole {
                flags |= RangeReply.Flags.endsHost
                failures.append(whole.named(nil, host))
            }
        }
        let start = bytes.count
        if isCoded {
            let results = unsafe coded.compactMap(\.self)
            unsafe results.forEach { bytes.append(little: UInt64($0.count)) }
            unsafe results.forEach { unsafe bytes.append(contentsOf: $0) }
        } else if isWhole {
            unsafe bytes.append(contentsOf: slots(part, of: result.memory))
        } else {
            for item in part where bytes[RangeReply.headSize + item - part.lowerBound] == 1 {
                unsafe bytes.append(contentsOf: slots(item..<item + 1, of: result.memory))
            }
        }
        let valueSize = bytes.count - start
        // What a failure is made of can be coded.
        if !failures.isEmpty { bytes += (try? WorkerError.bytes(of: failures)) ?? [] }
        let named = items.lowerBound + part.lowerBound..<items.lowerBound + part.upperBound
        let head = RangeReply.head(
            named, flags, values: valueSize, failures: bytes.count - start - valueSize)
        bytes.replaceSubrange(..<RangeReply.headSize, with: head)
        return bytes
    }

    private func failure(of item: Int, _ result: MapResult) -> ForkPool.Failure? {
        if let failure = result.failures[item] { return failure }
        let hasResult = unsafe result.memory.states[item].load(ordering: .acquiring) == ItemState.value
        return hasResult ? .beyondMessage(item) : nil
    }

    private func slots(_ items: Range<Int>, of memory: ResultMemory) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: memory.slots + items.lowerBound * stride, count: items.count * stride)
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
