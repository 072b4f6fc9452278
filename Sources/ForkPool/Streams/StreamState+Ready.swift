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
        run.first = head.first + start
        if end == start {
            guard isOver else { return }
            run.failure = failure(of: start, head)
            head.delivered += 1
        } else if output.isPlain {
            output.append(start..<end, of: batch.results, to: &run.outputs)
            reading.largest = max(reading.largest, output.stride)
            head.delivered = end
        } else {
            var size = 0
            for item in start..<end where run.failure == nil && size < Self.largestRun {
                size += decode(item, of: head, run)
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
        while run.failure == nil, run.outputs.count < most, size < Self.largestRun,
            let (inFlight, item) = reading.ready.popLast()
        {
            inFlight.delivered += 1
            if inFlight.delivered == inFlight.batch.shape.count { reading.hasFinishedBatch = true }
            guard hasValue(item, inFlight.batch) else {
                run.failure = failure(of: item, inFlight)
                return
            }
            if output.isPlain {
                output.append(item..<item + 1, of: inFlight.batch.results, to: &run.outputs)
                reading.largest = max(reading.largest, output.stride)
                size += output.stride
            } else {
                size += decode(item, of: inFlight, run)
            }
            if run.failure == nil { run.indices.append(inFlight.first + item) }
        }
    }

    private func hasValue(_ item: Int, _ batch: Batch) -> Bool {
        unsafe batch.results.states[item].load(ordering: .acquiring) == ItemState.value
    }

    /// Reads a result that is there, or its failure; returns its size in bytes.
    private func decode(_ item: Int, of inFlight: InFlightBatch, _ run: StreamRun<Output>) -> Int {
        let (result, size) = output.value(inFlight.batch.results, at: item)
        reading.largest = max(reading.largest, size)
        switch result {
        case .success(let output): run.outputs.append(output)
        case .failure(let failure):
            let index = inFlight.first + item
            run.failure = (index, failure.at(index))
        }
        return size
    }

    private func failure(of item: Int, _ inFlight: InFlightBatch) -> (index: Int, failure: ForkPool.Failure) {
        let index = inFlight.first + item
        return (index, pool.locked { _ in pool.failure(of: item, in: inFlight.batch) }.at(index))
    }
}
