// SPDX-License-Identifier: Apache-2.0
/// The journal that a caller wants of its map.
///
/// An object, because every call keeps its rules, few of which have one.
@usableFromInline
final class JournalRequest: Sendable, Equatable {
    let path: String
    let key: String
    let sync: ForkPool.JournalSync
    /// The number of items of the whole job, and those of this map.
    let total: Int
    let part: Range<Int>
    /// Hears of a journal that cannot be written, while the map goes on; nil for a line on standard error.
    let onFailure: (@Sendable (ForkPool.Failure) -> Void)?

    init(
        _ path: String, key: String, sync: ForkPool.JournalSync, items: Int, shard: ForkPool.Shard?,
        onFailure: (@Sendable (ForkPool.Failure) -> Void)?
    ) {
        self.path = Self.path(path, shard)
        self.key = key
        self.sync = sync
        self.onFailure = onFailure
        total = items
        part = shard?.range(of: items) ?? 0..<items
    }

    /// Puts the number of the shard, 0 if there is none, where the path has `{shard}`.
    private static func path(_ path: String, _ shard: ForkPool.Shard?) -> String {
        let word = Substring("{shard}")
        var (result, rest) = ("", path[...])
        while let start = rest.indices.first(where: { rest[$0...].hasPrefix(word) }) {
            result += rest[..<start] + "\(shard?.index ?? 0)"
            rest = rest[start...].dropFirst(word.count)
        }
        return result + rest
    }

    @usableFromInline
    static func == (one: JournalRequest, other: JournalRequest) -> Bool {
        one.path == other.path && one.key == other.key && one.part == other.part
    }

    func tell(_ failure: ForkPool.Failure) {
        if let onFailure { return onFailure(failure) }
        ErrorOutput.write("ForkPool: \(failure); the map goes on\n")
    }

    func header(of kind: ResultKind, stride: Int) -> JournalHeader {
        JournalHeader(
            total: total, part: part, isCoded: kind.isCoded, stride: stride, type: kind.typeName, key: key)
    }
}
