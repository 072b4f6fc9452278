// SPDX-License-Identifier: Apache-2.0

// Mistakes in maps with a journal.
extension MistakeTests {
    static let journalTable: [Mistake] = [
        Mistake(
            "throws", #"_ = try p.map([1], journal: "j") { _ in Node() }"#,
            isolated(result, "Node", "map(_:shard:journal:key:sync:onFailure:_:)")),
        Mistake(
            "throws", #"_ = try p.map(["a"], journal: "j", key: "2") { ($0, $0.count) }"#,
            isolated(result, "(String, Int)", "map(_:shard:journal:key:sync:onFailure:_:)")),
        Mistake(
            "", #"_ = p.mapResults([1], shard: nil, journal: "j") { _ in Wrapper() }"#,
            isolated(result, "Wrapper", "mapResults(_:shard:journal:key:sync:onFailure:_:)")),
        Mistake(
            async: #"_ = try await p.map([1], journal: "j", sync: .each) { _ in Node() }"#,
            returned(neither, result, "Node", "map(_:shard:journal:key:sync:onFailure:_:)")),
        Mistake(
            async: #"for r in await p.mapResults([1], journal: "j", { _ in ("a", 1) }) { print(r) }"#,
            returned(neither, result, "(String, Int)", "mapResults(_:shard:journal:key:sync:onFailure:_:)")),
        Mistake(
            "throws", #"_ = try p.fill(count: 1, slot: 1, of: String.self, journal: "j") { _, _ in }"#,
            "instance method 'fill(count:slot:of:shard:journal:key:sync:onFailure:_:)' requires that 'String' conform to "
                + "'BitwiseCopyable'"),
        Mistake(
            "throws", #"_ = try p.map([1], journal: "j") { i in await slow(i) }"#,
            "cannot pass function of type '(Int) async -> Int' to parameter expecting synchronous function type"),
        Mistake("", #"_ = p.map([1], journal: "j") { $0 }"#, "call can throw, but it is not marked with 'try'"),
    ]
}
