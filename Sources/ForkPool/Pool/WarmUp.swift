// SPDX-License-Identifier: Apache-2.0
internal import CForkPool

/// Runs a worker's code once in the parent, before the first fork.
///
/// A type that is first used in a child of a process with threads may wait for a lock that no thread there holds. And a
/// function that is first called in a child is looked up by the linker anew in each child, at ten page faults a time.
enum WarmUp {
    /// Done once in a process, at the first map.
    static let done: Void = run()

    private static func run() {
        WorkerError.warmUp()
        useCoders()
        let options = ForkPool.Options()
        let layout = SlotLayout.coded(String.self, 3)
        // Where the system refuses memory the map itself says so.
        guard let pool = try? Pool(workers: 1, options: options, for: .oneBatch),
            let batch = try? pool.openOnlyBatch(
                Batch.Shape(
                    count: layout.count, inputStride: 0, slotStride: layout.stride, stopsAtFailure: false))
        else { return }
        let main = WorkerMain(
            region: pool.layout, settings: WorkerSettings(options), setUp: nil, tearDown: nil
        ) { range, writer, _ in
            for item in range {
                _ = writer.begin(item)
                writer.store(item, at: item)
                _ = writer.encode("", at: item)
            }
            return true
        }
        // This process is no worker, or another one: in a worker by exec this is the first map of its own.
        let worker = cforkpool_get_worker()
        let position = unsafe cforkpool_get_position()
        main.run(0)
        // The pool holds its batch, and the batch its pool, until the batch has ended.
        pool.wait(for: batch)
        cforkpool_set_worker(worker)
        unsafe cforkpool_set_position(position)
    }

    /// Encodes and decodes a value of every shape.
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
        guard let bytes = try? WorkerError.bytes(of: Everything()) else { return }
        _ = unsafe bytes.withUnsafeBytes { unsafe try? BinaryDecoder.decode(Everything.self, from: $0) }
    }
}
