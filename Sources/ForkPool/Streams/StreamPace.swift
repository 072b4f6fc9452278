/// Decides how many inputs a stream takes from its source, and in which portions.
///
/// A portion costs about as much as twenty short items, so portions grow while items are short: to what is delivered in
/// 100 µs. The window grows with them, within a limit of memory for large inputs and results.
struct StreamPace {
    /// The most inputs of a portion.
    private static let largest = 256
    /// The time that a portion should last, in nanoseconds; the pace is adapted once a portion.
    private static let period = 100_000
    /// The most memory of inputs and results in flight, for each worker, in bytes.
    private static let memory = 512 << 10

    private let workers: Int
    private let window: Int?
    private var portion = 1
    /// The sizes of an input and of a result, in bytes: the largest of late.
    private var inputSize = 0
    private var resultSize = 0
    private var count = 0
    private var since = 0

    init(workers: Int, window: Int?) {
        self.workers = workers
        self.window = window
    }

    /// The number of inputs that may be in flight.
    private var most: Int {
        if let window { return window }
        let wanted = max(8 * workers, 8 * portion)
        return min(wanted, max(2 * workers, Self.memory * workers / max(1, inputSize + resultSize)))
    }

    /// The number of inputs to take now; 0 while the window is full.
    ///
    /// Takes portions whole, so that half a window is refilled at once and not item by item.
    func room(inFlight: Int) -> Int {
        let room = most - inFlight
        let wanted = min(portion, max(1, most / 4))
        return room >= wanted ? wanted : 0
    }

    /// Counts a delivered item; reads the clock, in nanoseconds, once a portion.
    mutating func delivered(at clock: @autoclosure () -> Int = monotonicNanoseconds()) {
        count += 1
        guard count >= portion else { return }
        let now = clock()
        defer {
            since = now
            count = 0
        }
        guard since != 0 else { return }
        let wanted = count * Self.period / max(1, now - since)
        if wanted > portion {
            portion = min(2 * portion, Self.largest)
        } else if wanted < portion / 2 {
            portion = max(1, portion / 2)
        }
    }

    /// Notes the size of an input, in bytes.
    mutating func hasInput(size: Int) {
        inputSize = max(size, inputSize - inputSize / 8)
    }

    /// Notes the size of a result, in bytes.
    mutating func hasResult(size: Int) {
        resultSize = max(size, resultSize - resultSize / 8)
    }
}
