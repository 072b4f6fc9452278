// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

// How results that are ready get into a run, without the lock.

extension StreamState {
    /// A run ends behind the result with which it has so many bytes.
    private static var largestRun: Int { 64 << 10 }

    /// Fills a run with what is ready; returns false if nothing is, or if it is time to say what was delivered.
    func takeReady(_ run: StreamRun<Output>) -> Bool {
        run.removeAll()
        let most = reading.quota - reading.delivered
        guard most > 0, !isStopped.load(ordering: .relaxed) else { return false }
        if order == .input { takeInOrder(most, run) } else { takeCompleted(most, run) }
        let count = run.count
        reading.delivered += count
        return count > 0
    }

    private func takeInOrder(_ most: Int, _ run: StreamRun<Output>) {
        guard let head = reading.head else { return }
        let (batch, start) = (head.batch, head.delivered)
        let limit = min(
            batch.shape.count, start + min(most, output.isPlain ? Self.largestRun / max(1, output.stride) + 1 : most))
        // In this order: it may end at any moment.
        let isOver = batch.isOver(start)
        var end = start
        while end < limit, hasValue(end, batch) { end += 1 }
        run.begin(at: head.first + start)
        if end == start {
            guard isOver else { return }
            run.failure = failure(of: start, head)
            head.delivered += 1
        } else if output.isPlain {
            unsafe run.append(output.plainResults(start..<end, of: batch.results), firstIndex: nil)
            reading.largest = max(reading.largest, output.stride)
            head.delivered = end
        } else {
            var size = 0
            for item in start..<end where run.failure == nil && size < Self.largestRun {
                size += decode(item, of: head, run, isIndexed: false)
                head.delivered += 1
            }
        }
        if head.delivered == batch.shape.count {
            reading.head = nil
            reading.hasFinishedBatch = true
        }
    }

    private func takeCompleted(_ most: Int, _ run: StreamRun<Output>) {
        var size = 0
        while run.failure == nil, run.resultCount < most, size < Self.largestRun,
            let (inFlight, items) = reading.ready.popLast()
        {
            var next = items.lowerBound
            let room = min(most - run.resultCount, Self.largestRun / max(1, output.stride) + 1)
            let end = min(items.upperBound, next + room)
            while next < end, run.failure == nil, size < Self.largestRun {
                let first = next
                if output.isPlain { while next < end, hasValue(next, inFlight.batch) { next += 1 } }
                if next > first {
                    let results = unsafe output.plainResults(first..<next, of: inFlight.batch.results)
                    unsafe run.append(results, firstIndex: inFlight.first + first)
                    reading.largest = max(reading.largest, output.stride)
                    size += (next - first) * output.stride
                    continue
                }
                if hasValue(next, inFlight.batch) {
                    size += decode(next, of: inFlight, run, isIndexed: true)
                } else {
                    run.failure = failure(of: next, inFlight)
                }
                next += 1
            }
            inFlight.delivered += next - items.lowerBound
            if inFlight.delivered == inFlight.batch.shape.count { reading.hasFinishedBatch = true }
            if next < items.upperBound { reading.ready.append((inFlight, next..<items.upperBound)) }
        }
    }

    private func hasValue(_ item: Int, _ batch: Batch) -> Bool {
        unsafe batch.results.states[item].load(ordering: .acquiring) == ItemState.value
    }

    /// Reads a result that is there, or its failure; returns its size in bytes.
    private func decode(
        _ item: Int, of inFlight: InFlightBatch, _ run: StreamRun<Output>, isIndexed: Bool
    ) -> Int {
        let (result, size) = output.value(inFlight.batch.results, at: item)
        reading.largest = max(reading.largest, size)
        let index = inFlight.first + item
        switch result {
        case .success(let output): run.append(output, index: isIndexed ? index : nil)
        case .failure(let failure): run.failure = (index, failure.at(index))
        }
        return size
    }

    private func failure(of item: Int, _ inFlight: InFlightBatch) -> (index: Int, failure: ForkPool.Failure) {
        let index = inFlight.first + item
        return (index, pool.locked { _ in pool.failure(of: item, in: inFlight.batch) }.at(index))
    }
}
