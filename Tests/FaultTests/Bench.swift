import Synchronization

@testable import ForkPool

/// A map by hand, whose body can reach the region as a wild write would.
enum Bench {
    /// Runs `body` on each item, one at a time, and says what came of it.
    static func map(
        _ layout: Region.Layout, workers: Int = 2, chunk: Int = 1, stopsAtFailure: Bool = false,
        _ body: @escaping (MapMemory, Int, ItemWriter) -> Void
    ) throws -> MapResult {
        let region = try Region(workers: workers, layout: layout)
        let memory = region.prepare(layout)
        let context = WorkerContext(
            memory: memory, options: .init(chunk: .fixed(chunk)), workers: workers, stopsAtFailure: stopsAtFailure
        ) { range, desk in
            for item in range {
                guard desk.begin(item) else { return false }
                body(memory, item, desk)
            }
            return true
        }
        var supervisor = Supervisor(context, doorbell: nil)
        let (machine, _) = withExtendedLifetime(context) { supervisor.run() }
        return MapResult(region: region, memory: memory, machine: machine) {
            $0.cool(memory, to: 0)
        }
    }

    /// The outcome of a map whose workers left `region` as `damage` makes it, every item published before.
    static func outcome(_ layout: Region.Layout, workers: Int = 2, _ damage: (MapMemory) -> Void) throws -> MapResult {
        let region = try Region(workers: workers, layout: layout)
        let memory = region.prepare(layout)
        for item in 0..<layout.count { unsafe memory.states[item].store(ItemState.value, ordering: .relaxed) }
        damage(memory)
        let machine = BatchMachine(count: layout.count, stopsAtFailure: false)
        return MapResult(region: region, memory: memory, machine: machine) { $0.cool(memory, to: 0) }
    }

    /// Numbers that a wild write could leave, edges first.
    static func wildNumbers(near places: [Int]) -> [Int] {
        [.min, .min + 1, -1, 0, 1, .max - 1, .max, Int(Int32.max), Int(UInt32.max) + 1]
            + places.flatMap { [$0 - 1, $0, $0 + 1, -$0] }
    }
}

/// Numbers that look random and are the same each time.
struct Dice: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
