// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool
import Glibc

/// What a shard leaves beside its results when each of its items had a job: by this `merge` knows what must be there.
struct ShardRecord: Equatable {
    let shard: Int
    let shards: Int
    /// How many items all shards have together.
    let items: Int
    let split: ItemPart.Split
    /// The numbers of its jobs that failed.
    let failed: [Int]
    /// The command and what it does with items, for a shell.
    let command: String
    /// The digest of the items of all shards.
    let digest: String

    /// Reads a record; nil if a file has none.
    init?(_ bytes: [UInt8]) {
        guard let entry = try? JSON.parse(bytes), let shard = entry["shard"]?.integer,
            let shards = entry["shards"]?.integer,
            let items = entry["items"]?.integer, let split = entry["split"]?.string.flatMap(ItemPart.Split.init),
            let failed = entry["failed"]?.array?.map(\.integer), !failed.contains(nil),
            let command = entry["command"]?.string, let digest = entry["digest"]?.string, shard >= 0, shard < shards,
            items >= 0
        else { return nil }
        (self.shard, self.shards, self.items, self.split) = (shard, shards, items, split)
        (self.failed, self.command, self.digest) = (failed.compactMap(\.self), command, digest)
    }

    /// What a shard that has ended writes.
    struct Content {
        let items: Int
        let failed: [Int]
        let command: String
        let digest: String
    }

    /// The file of the record of a shard.
    struct Place {
        private let path: String
        private let part: ItemPart

        init(folder: String, _ part: ItemPart) {
            path = "\(folder)/\(Self.prefix)\(part.shard.index)-of-\(part.shard.count)\(Self.suffix)"
            self.part = part
        }

        private static let prefix = "shard-"
        private static let suffix = ".json"

        /// Whether a file has the name of a record.
        static func isOne(_ name: String) -> Bool { name.hasPrefix(prefix) && name.hasSuffix(suffix) }

        /// Removes the record of an earlier run: until this one has ended, its results are not whole.
        ///
        /// - Throws: `OutputError`.
        func clear() throws(OutputError) {
            guard unsafe unlink(path) == 0 || errno == ENOENT else { throw OutputError(what: path, code: errno) }
        }

        /// Writes the record, under another name first, so that it is whole or not there.
        ///
        /// - Throws: `OutputError`.
        func write(_ content: Content) throws(OutputError) {
            let record = JSON.object([
                ("shard", .integer(part.shard.index)), ("shards", .integer(part.shard.count)),
                ("items", .integer(content.items)),
                ("split", .string(part.split.rawValue)), ("failed", .integers(content.failed.sorted())),
                ("command", .string(content.command)), ("digest", .string(content.digest)),
            ])
            let partial = path + ".partial"
            let file = unsafe open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666 as mode_t)
            guard file >= 0 else { throw OutputError(what: partial, code: errno) }
            var code = writeAll(record.line + "\n", to: file)
            if close(file) != 0, code == 0 { code = errno }
            guard code == 0 else { throw OutputError(what: partial, code: code) }
            guard unsafe rename(partial, path) == 0 else { throw OutputError(what: path, code: errno) }
        }
    }
}
#endif
