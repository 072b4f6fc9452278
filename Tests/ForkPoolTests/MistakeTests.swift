// SPDX-License-Identifier: Apache-2.0
import Testing

/// What the compiler says of the mistakes that a newcomer makes.
@Suite("A mistake in a call")
struct MistakeTests {
    private static let types = """
        import ForkPool

        final class Node { var next: Node? }
        struct Wrapper { var node = Node() }
        struct Plain { func run(_ x: Int) -> Int { x } }
        struct Square: ForkPool.Job { func run(_ x: Int) -> Int { x * x } }
        func slow(_ i: Int) async -> Int { i }

        """

    struct Mistake: CustomTestStringConvertible {
        /// The function's effects and its body.
        let effects: String
        let code: String
        /// What the error is, and nothing else is one.
        let words: String
        var pass = Compiler.Pass.types

        init(_ effects: String, _ code: String, _ words: String) {
            (self.effects, self.code, self.words) = (effects, code, words)
        }

        /// A wrong result in async code, which an editor shows as a warning, and a build as an error.
        init(async code: String, _ words: String) {
            self.init("async throws", code, words)
            pass = .values
        }

        var testDescription: String { code }
    }

    private static func isolated(_ rule: String, _ types: String, _ method: String) -> String {
        "call to global actor '\(rule)<\(types)>'-isolated instance method '\(method)' in a synchronous nonisolated context"
    }

    private static func returned(_ stand: String, _ rule: String, _ type: String, _ method: String) -> String {
        "non-Sendable '\(stand)<\(type)>'-typed result can not be returned from global actor '\(rule)<\(type)>'-isolated "
            + "instance method '\(method)' to nonisolated context"
    }

    private static let neither = "ResultIsNeitherBitwiseCopyableNorCodable"
    private static let result = "ResultMustBeBitwiseCopyableOrCodable"
    private static let both = "InputAndResultMustBeBitwiseCopyableOrCodable"

    static let table: [Mistake] = [
        // A result that cannot cross to another process.
        Mistake("throws", "_ = try p.map([1]) { _ in Node() }", isolated(result, "Node", "map")),
        Mistake("throws", #"_ = try p.map(["a"]) { ($0, $0.count) }"#, isolated(result, "(String, Int)", "map")),
        Mistake(
            "throws", #"let r = try p.map(["a b"]) { $0.split(separator: " ").first! }; print(r)"#,
            isolated(result, "String.SubSequence", "map")),
        Mistake("throws", "_ = try p.map([1]) { i in { i } }", isolated(result, "() -> Int", "map")),
        Mistake(
            "throws", "let r: [Wrapper] = try p.map([1]) { _ in let w = Wrapper(); return w }; print(r)",
            isolated(result, "Wrapper", "map")),
        Mistake(
            "throws", "let r = try p.map([[1]]) { $0.map { _ in Node() } }; print(r)", isolated(result, "[Node]", "map")
        ),
        Mistake("", "_ = p.mapResults([1]) { _ in Wrapper() }", isolated(result, "Wrapper", "mapResults")),
        Mistake(
            "throws", #"_ = try p.withMapped([1], { "\($0)" }) { $0.count }"#,
            isolated("ResultMustBeBitwiseCopyable", "String", "withMapped(_:_:read:)")),
        Mistake(async: "_ = try await p.map([1]) { _ in Node() }", returned(neither, result, "Node", "map")),
        Mistake(
            async: "let r = try await p.map([1]) { _ in Node() }; print(r.count)",
            returned(neither, result, "Node", "map")),
        Mistake(
            async: #"for r in await p.mapResults([1], { _ in ("a", 1) }) { print(r) }"#,
            returned(neither, result, "(String, Int)", "mapResults")),
        Mistake(
            async: "_ = try await p.withMapped([1], { _ in Node() }) { $0.count }",
            returned("ResultIsNotBitwiseCopyable", "ResultMustBeBitwiseCopyable", "Node", "withMapped(_:_:read:)")),
        Mistake(
            "throws", "_ = try p.mapChunks([1]) { _ in Node() }", isolated(result, "Node", "mapChunks(_:size:_:)")),
        Mistake(
            async: "_ = try await p.mapChunks([1], size: 2) { _ in Node() }",
            returned(neither, result, "Node", "mapChunks(_:size:_:)")),
        // An input or a result of a pool that stays, or of a stream.
        Mistake("throws", "_ = try p.resident { (x: Wrapper) in 1 }", isolated(both, "Wrapper, Int", "resident")),
        Mistake(
            "throws", "_ = try p.resident { (s: String, n: Int) in n }",
            isolated(both, "(String, Int), Int", "resident")),
        Mistake("throws", "_ = try p.resident { (n: Int) in Node() }", isolated(both, "Int, Node", "resident")),
        Mistake("", "_ = p.stream([1]) { _ in Node() }", isolated(result, "Node", "stream(_:order:window:_:)")),
        Mistake(
            "", "_ = p.stream(AsyncStream<Node> { nil }) { _ in 1 }",
            isolated(both, "Node, Int", "stream(_:order:window:_:)")),
        // Something that is no collection, no job, no bit pattern.
        Mistake(
            "throws", "_ = try p.map(5) { $0 }", "instance method 'map' requires that 'Int' conform to 'Collection'"),
        Mistake(
            "throws", "_ = try p.fill(count: 1, slot: 1, of: String.self) { _, _ in }",
            "instance method 'fill(count:slot:of:_:)' requires that 'String' conform to 'BitwiseCopyable'"),
        Mistake(
            "throws", "_ = try p.resident(Plain())",
            "instance method 'resident(_:start:)' requires that 'Plain' conform to 'ForkPool.Job'"),
        Mistake(
            "", "_ = SharedArray<String>(count: 2)", "type 'String' does not conform to protocol 'BitwiseCopyable'"),
        Mistake(
            "", "_ = SharedValue(Node())",
            "generic class 'SharedValue' requires that 'Node' conform to 'BitwiseCopyable'"),
        // Another type than the pool takes.
        Mistake(
            "throws", "_ = try p.map([1]) { (a: String) in 1 }",
            "cannot convert value of type 'Int' to expected element type 'String'"),
        Mistake(
            "throws", #"_ = try p.resident(Square()).map(["a"])"#,
            "cannot convert value of type 'String' to expected element type 'Int'"),
        Mistake(
            "throws", #"let r = try p.resident { (n: Int) in n }; _ = try r("a")"#,
            "cannot convert value of type 'String' to expected argument type 'Int'"),
        // A body that waits, a call that may fail, and one that suspends.
        Mistake(
            "throws", "_ = try p.map([1]) { i in await slow(i) }",
            "cannot pass function of type '(Int) async -> Int' to parameter expecting synchronous function type"),
        Mistake(
            "", "_ = p.map([1]) { $0 }", "call can throw, but it is not marked with 'try' and the error is not handled"),
        Mistake("throws", "_ = p.map([1]) { $0 }", "call can throw but is not marked with 'try'"),
        Mistake(
            "async throws", "let r = try p.map([1]) { $0 }; print(r)",
            "expression is 'async' but is not marked with 'await'"),
    ]

    @Test("is one error that says what is wrong, with which type", arguments: table)
    func saysWhatIsWrong(_ mistake: Mistake) throws {
        let program = Self.types + "func call(_ p: ForkPool) \(mistake.effects) { \(mistake.code) }\n"
        let (_, text) = try Compiler.check(program, pass: mistake.pass)
        let errors = text.split(separator: "\n").filter { $0.contains("error: ") }
        #expect(errors.count == 1, "\(text)")
        #expect(errors.first?.contains("error: " + mistake.words) == true, "\(text)")
    }
}
