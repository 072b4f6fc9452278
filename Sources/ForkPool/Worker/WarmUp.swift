internal import CForkPool

/// Runs a worker's paths once in the parent, before the first fork.
///
/// A type that is first used in a child of a process with threads may wait for a lock that nobody there holds; and a
/// function that is first called in a child is looked up by the linker anew in each child, at ten page faults a time.
enum WarmUp {
    /// Done once in a process, at the first map.
    static let done: Void = run()

    private static func run() {
        Report.warmUp()
        useCoders()
        let layout = Region.Layout(count: 3, slotStride: MemoryLayout<Extent>.stride, slotAlignment: 8)
        // Where the system refuses the memory, the map itself will say so.
        guard let region = try? Region(workers: 1, layout: layout) else { return }
        let context = WorkerContext(
            memory: region.prepare(layout), options: ForkPool.Options(), workers: 1, stopsAtFailure: false
        ) { range, desk in
            for item in range {
                _ = desk.begin(item)
                desk.store(item, at: item)
                _ = desk.encode("", at: item)
            }
            return true
        }
        // This process is no worker, or another one: in a worker by exec this is the first map of its own.
        let worker = cforkpool_get_worker()
        let withheld = unsafe cforkpool_withhold(cforkpool_withheld())
        withExtendedLifetime(region) { context.run(worker: 0) }
        cforkpool_set_worker(worker)
        _ = unsafe cforkpool_withhold(withheld)
    }

    /// Takes a value of every shape to bytes and back.
    private static func useCoders() {
        struct Everything: Codable {
            enum Choice: Codable {
                case nothing
                case some(Int, named: [String?])
            }
            var choices: [Choice] = [.nothing, .some(1, named: ["", nil])]
            var table: [String: Double] = ["": 0]
            var keys: Set<UInt8> = [0]
            var missing: Bool?
        }
        guard let bytes = try? Report.bytes(of: Everything()) else { return }
        _ = unsafe bytes.withUnsafeBytes { unsafe try? BinaryDecoder.decode(Everything.self, from: $0) }
    }
}
