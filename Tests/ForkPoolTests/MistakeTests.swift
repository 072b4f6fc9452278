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

    static func isolated(_ rule: String, _ types: String, _ method: String) -> String {
        "call to global actor '\(rule)<\(types)>'-isolated instance method '\(method)' in a synchronous nonisolated context"
    }

    static func returned(_ stand: String, _ rule: String, _ type: String, _ method: String) -> String {
        "non-Sendable '\(stand)<\(type)>'-typed result can not be returned from global actor '\(rule)<\(type)>'-isolated "
            + "instance method '\(method)' to nonisolated context"
    }

    static let neither = "ResultIsNeitherBitwiseCopyableNorCodable"
    static let result = "ResultMustBeBitwiseCopyableOrCodable"
    static let both = "InputAndResultMustBeBitwiseCopyableOrCodable"

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
            "throws", "_ = try p.resident(Square(), Plain())",
            "instance method 'resident(_:_:_:start:)' requires that 'Plain' conform to 'ForkPool.Job'"),
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
        Mistake(
            "throws", #"let (a, b) = try p.resident(Square(), Square()); print(a); _ = try b.map(["a"])"#,
            "cannot convert value of type 'String' to expected element type 'Int'"),
        // A body that waits, a call that may fail, and one that suspends.
        Mistake(
            "throws", "_ = try p.map([1]) { i in await slow(i) }",
            "cannot pass function of type '(Int) async -> Int' to parameter expecting synchronous function type"),
        Mistake(
            "throws", "_ = try p.resident { (i: Int) in await slow(i) }",
            "'resident' is unavailable: a body is not async; write a ForkPool.Job, whose run is"),
        Mistake(
            "", "_ = p.map([1]) { $0 }", "call can throw, but it is not marked with 'try' and the error is not handled"),
        Mistake("throws", "_ = p.map([1]) { $0 }", "call can throw but is not marked with 'try'"),
        Mistake(
            "async throws", "let r = try p.map([1]) { $0 }; print(r)",
            "expression is 'async' but is not marked with 'await'"),
        // A wait that blocks a thread of the cooperative pool.
        Mistake(
            "async throws", "let r = try p.resident { (n: Int) in n }; r.close()",
            blocking("close", "close() blocks the thread; use await finish(), or cancel() in a defer")),
        Mistake(
            "async throws", "let r = try p.resident { (n: Int) in n }; _ = try r.submit(1).wait()",
            blocking("wait", "wait() blocks the thread; use await value")),
        Mistake(
            "async throws", "let r = try p.resident { (n: Int) in n }; _ = try r.submit(1).wait(for: .seconds(1))",
            blocking("wait", "wait(for:) blocks the thread; use await value, with a deadline")),
        Mistake(
            "async", "for element in p.stream([1], { $0 }) { print(element) }",
            blocking(
                "makeIterator", "this loop blocks the thread; use for try await, or for await over results")),
        Mistake(
            "async", "for element in p.stream([1], { $0 }).results { print(element) }",
            blocking("makeIterator", "this loop blocks the thread; use for await")),
        Mistake(
            "async throws", "try p.stream([1], { $0 }).forEach { print($0, $1) }",
            blocking("forEach", "forEach blocks the thread; use for try await")),
        // The compiler takes the async form here: it looks for it in the function around, not in the closure.
        Mistake(
            "async throws", "let r = try p.resident { (n: Int) in n }; _ = try [1].map { try r($0) }",
            "'async' call in a function that does not support concurrency"),
    ]

    private static func blocking(_ method: String, _ advice: String) -> String {
        "instance method '\(method)' is unavailable from asynchronous contexts; \(advice)"
    }

    @Test("in async code of Swift 5 is a warning, and a failure of the call that names the type")
    func failsInSwift5() throws {
        let program = """
            import ForkPool
            func call() async {
                do {
                    _ = try await ForkPool(workers: 1).map(0..<2) { number in ("a", number) }
                } catch { print(error) }
            }
            await call()
            """
        let (status, text) = try Compiler.run(program, language: 5)
        #expect(status == 0)
        let words =
            "the call cannot be run: its result, (String, Int), or its input is neither BitwiseCopyable nor Codable\n"
        #expect(text.hasSuffix(words), "\(text)")
    }

    private static let syncCalls = [
        "_ = try [1].map { try r.callAsFunction($0) }", "_ = try [1].map(r.callAsFunction)",
        "_ = try [1].map { n in let m = try r(n); return m }", "_ = try [[1]].map { try r.map($0) }",
        "_ = try [[1]].map { try p.map($0) { $0 } }", "func inner() throws { _ = try r(1) }; try inner()",
    ]

    @Test("is not to call a pool in a closure that is not async, in a function that is", arguments: syncCalls)
    func callsFromClosures(_ code: String) throws {
        let (status, text) = try Compiler.check(
            "import ForkPool\nfunc call(_ p: ForkPool, _ r: ForkPool.Resident<Int, Int>) async throws { \(code) }\n")
        #expect(status == 0, "\(text)")
    }

    @Test("is one error that says what is wrong, with which type", arguments: table + stateTable + journalTable)
    func saysWhatIsWrong(_ mistake: Mistake) throws {
        let program = Self.types + "func call(_ p: ForkPool) \(mistake.effects) { \(mistake.code) }\n"
        let (_, text) = try Compiler.check(program, pass: mistake.pass)
        let errors = text.split(separator: "\n").filter { $0.contains("error: ") }
        #expect(errors.count == 1, "\(text)")
        #expect(errors.first?.contains("error: " + mistake.words) == true, "\(text)")
    }
}
