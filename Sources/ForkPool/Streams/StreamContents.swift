// SPDX-License-Identifier: Apache-2.0

// The parts of `StreamState` that do not depend on the type of results: code that is generic pays for each of its
// types.

/// A batch of which not every item was delivered.
final class InFlightBatch {
    let batch: Batch
    /// The index of the batch's first item in the stream.
    let first: Int
    /// The number of delivered items: the reader's own.
    var delivered = 0
    /// In completion order, whether each item was taken as ready, and the first one that was not: under the lock.
    var isTaken: [Bool]
    var open = 0

    init(_ batch: Batch, first: Int, order: ForkPool.Order) {
        self.batch = batch
        self.first = first
        isTaken = order == .completion ? Array(repeating: false, count: batch.shape.count) : []
    }

    /// Takes items that follow one another, are over and were not taken, of those from `start` on; nil if there are none.
    func takeOver(from start: Int) -> Range<Int>? {
        func isReady(_ item: Int) -> Bool { !isTaken[item] && batch.isOver(item) }
        guard let first = (start..<isTaken.count).first(where: isReady) else { return nil }
        var end = first
        while end < isTaken.count, isReady(end) {
            isTaken[end] = true
            end += 1
        }
        return first..<end
    }
}

/// What the lock of a stream guards.
struct StreamContents {
    var batches: [InFlightBatch] = []
    var pace: StreamPace
    /// Batches whose items are all delivered, and which workers are about to leave.
    var draining: [Batch] = []
    /// The number of inputs that were submitted.
    var nextIndex = 0
    var itemsInFlight = 0
    /// The number of inputs that a feeder collected, and that are not submitted.
    var collected = 0
    /// Whether a task is about to submit them.
    var isFlushing = false
    /// Whether the inputs that were taken last came slowly, each in more time than results may gather.
    var isSourceSlow = false
    /// Whether the source has no more.
    var isExhausted = false
    /// The last element, after what is in flight.
    var ending: ForkPool.Failure?
    /// A feeder that waits for room.
    var feeder: Waiter?

    /// The number of inputs of a batch that is submitted now.
    var step: Int { pace.step(inFlight: itemsInFlight) }

    /// The number of inputs to take now; 0 while the window is full.
    var room: Int { batches.count < pace.mostBatches ? pace.room(inFlight: itemsInFlight + collected) : 0 }

    /// Whether there is room for an input.
    var hasRoom: Bool { batches.count < pace.mostBatches && itemsInFlight + collected < pace.most }

    /// Whether no further input is wanted.
    var hasEnding: Bool { isExhausted || ending != nil }

    /// Whether nothing is left to deliver but `ending`.
    var isOver: Bool { batches.isEmpty && collected == 0 && hasEnding }
}

/// What only the reader of a stream touches.
struct StreamReading {
    /// In input order, the first batch that is not delivered.
    var head: InFlightBatch?
    /// In completion order, the items that are ready and not delivered, as ranges, the next one last.
    var ready: [(inFlight: InFlightBatch, items: Range<Int>)] = []
    /// The number of elements put into runs since the contents were last told, and at how many they are to be told.
    var delivered = 0
    var quota = 1
    /// Whether one of them was the last of its batch.
    var hasFinishedBatch = false
    /// The size of the largest result among them, in bytes.
    var largest = 0
    /// Whether the reader may let results gather for a moment, rather than be woken for each.
    var isPatient = false
    var progress: StreamProgress?
}
