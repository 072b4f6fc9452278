/// Decides how many inputs a stream takes from its source, and in what portions.
///
/// A portion costs about as much as twenty short items do, so portions grow while items are short: to what is delivered
/// in 100 µs. The window follows, but for what large inputs and results would take of memory.
struct StreamPace {
    /// The most inputs of a portion.
    private static let largest = 256
    /// Time after which the pace is looked at again, and what a portion should last, in nanoseconds.
    private static let period = 100_000
    /// What inputs and results in flight may take together, for each worker, in bytes.
    private static let memory = 512 << 10

    private let workers: Int
    private let window: Int?
    private var portion = 1
    /// The sizes of an input and of a result, as the last ones had them.
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

    /// How many inputs to take now; 0 while the window is full.
    ///
    /// A portion is taken whole: half a window is refilled at once, not item by item.
    mutating func room(inFlight: Int) -> Int {
        let room = most - inFlight
        let wanted = min(portion, max(1, most / 4))
        return room >= wanted ? wanted : 0
    }

    /// Hears that an item was delivered, and asks for the time, in nanoseconds, when a portion was.
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

    /// Hears how many bytes an input took.
    mutating func hasInput(size: Int) {
        inputSize = max(size, inputSize - inputSize / 8)
    }

    /// Hears how many bytes a result had.
    mutating func hasResult(size: Int) {
        resultSize = max(size, resultSize - resultSize / 8)
    }
}
