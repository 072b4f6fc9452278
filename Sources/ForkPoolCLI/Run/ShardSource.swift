// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool

/// The jobs of one shard, of all that another source has.
final class ShardSource: JobSource {
    private let all: any JobSource
    private let part: ItemPart
    /// The jobs of a block, which is known when all jobs are.
    private var block: [(values: [[UInt8]], records: [UInt8]?)] = []
    private var isDivided = false
    private var taken = 0
    private(set) var number = 0
    private var hash = XXH64()

    /// Makes a source.
    init(_ all: any JobSource, _ part: ItemPart) {
        (self.all, self.part) = (all, part)
    }

    /// How many jobs all shards have together; nil if not known yet.
    var jobsOfAll: Int? { all.total }

    /// The digest of the items of all shards that were taken so far.
    var digest: String { hexadecimal(hash.digest) }

    var awaited: Int32? { all.awaited }
    var file: FileIdentity? { all.file }
    var isAtEnd: Bool { all.isAtEnd && (part.split == .strided || isDivided && block.isEmpty) }
    var total: Int? { all.total.map(part.count) }

    func takeJob() -> (values: [[UInt8]], records: [UInt8]?)? {
        part.split == .strided ? takeStrided() : takeFromBlock()
    }

    func read() throws(InputError) { try all.read() }

    private func takeStrided() -> (values: [[UInt8]], records: [UInt8]?)? {
        while let job = takeFromAll() {
            guard part.takes(all.number - 1) else { continue }
            number = all.number
            return job
        }
        return nil
    }

    private func takeFromAll() -> (values: [[UInt8]], records: [UInt8]?)? {
        guard let job = all.takeJob() else { return nil }
        // How many values come next matters, too.
        hash.update(item: Array(String(job.values.count).utf8))
        for value in job.values { hash.update(item: value) }
        if let records = job.records { hash.update(item: records) }
        return job
    }

    private func takeFromBlock() -> (values: [[UInt8]], records: [UInt8]?)? {
        while let job = takeFromAll() { block.append(job) }
        guard all.isAtEnd else { return nil }
        if !isDivided {
            isDivided = true
            block = block[part.shard.range(of: block.count)].reversed()
        }
        guard let job = block.popLast() else { return nil }
        number = part.index(at: taken, of: all.number) + 1
        taken += 1
        return job
    }
}
#endif
