// SPDX-License-Identifier: Apache-2.0
/// Decides how many inputs a stream takes from its source, and in what portions.
///
/// A portion costs about as much as twenty short items, so portions grow while items are short: up to the number that
/// is delivered in 100 µs. The window grows with them, within a limit on the memory of inputs and results.
struct StreamPace {
    /// The largest portion.
    private static let largest = 2048
    /// How long a portion should last, in nanoseconds.
    private static let period = 100_000
    /// The memory for inputs and results in flight, for each worker, in bytes.
    private static let memory = 512 << 10

    private let workers: Int
    private let window: Int?
    private var portion = 1
    /// The size of a recent large input and result, in bytes.
    private var inputSize = 0
    private var resultSize = 0
    private var count = 0
    private var since = 0

    init(workers: Int, window: Int?) {
        self.workers = workers
        self.window = window
    }

    /// The most inputs in flight.
    var most: Int {
        if let window { return window }
        let wanted = max(8 * workers, 8 * portion)
        return min(wanted, max(2 * workers, Self.memory * workers / max(1, inputSize + resultSize)))
    }

    /// The most batches in flight: small ones take more memory than their items, and are as many as a source wants.
    var mostBatches: Int { window == nil ? max(32, 16 * workers) : .max }

    /// A portion, as far as the window lets one be.
    var step: Int { step(inFlight: 0) }

    /// Whether items are so short, and so many in flight, that one may wait for others for the time of a portion.
    var isQuick: Bool { portion >= 4 && most >= 4 * portion }

    /// A portion while so many inputs are in flight.
    ///
    /// Those keep the workers busy, so it is at least a 64th of them: a look at what is ready costs as much as there are
    /// batches, of which a large window would hold thousands.
    func step(inFlight: Int) -> Int { min(max(portion, inFlight / 64), max(1, most / 4)) }

    /// Returns how many inputs to take now; 0 unless there is room for a whole portion.
    func room(inFlight: Int) -> Int {
        let wanted = step(inFlight: inFlight)
        return most - inFlight >= wanted ? wanted : 0
    }

    /// Notes that items were delivered; decides on the next portion when one was, or when that took too long.
    mutating func noteDelivery(of items: Int = 1, at now: Int = monotonicNanoseconds()) {
        count += items
        let time = now - since
        guard count >= portion || since != 0 && time > 2 * Self.period else { return }
        defer {
            since = now
            count = 0
        }
        guard since != 0 else { return }
        let wanted = count * Self.period / max(1, time)
        if wanted > portion {
            portion = min(2 * portion, Self.largest)
        } else if wanted < portion / 2 {
            portion = max(1, portion / 2)
        }
    }

    /// Notes the size of an input, in bytes.
    mutating func noteInput(size: Int) {
        inputSize = max(size, inputSize - inputSize / 8)
    }

    /// Notes the size of a result, in bytes.
    mutating func noteResult(size: Int) {
        resultSize = max(size, resultSize - resultSize / 8)
    }
}
