// SPDX-License-Identifier: Apache-2.0

// The mistakes of MistakeTests.swift, in the calls that have a state.

extension MistakeTests {
    static let stateTable: [Mistake] = [
        Mistake(
            "throws", "_ = try p.map([1], state: { 1 }) { s, i in Node() }",
            isolated(result, "Node", "map(_:state:tearDown:_:)")),
        Mistake(
            "throws", "_ = try p.map([1], state: { 1 }) { s, i in let w = Wrapper(); return w }",
            isolated(result, "Wrapper", "map(_:state:tearDown:_:)")),
        Mistake(
            "", #"_ = p.mapResults([1], state: { 1 }) { s, i in ("a", i) }"#,
            isolated(result, "(String, Int)", "mapResults(_:state:tearDown:_:)")),
        Mistake(
            "throws", #"_ = try p.withMapped([1], state: { 1 }, { s, i in "a" }) { $0.count }"#,
            isolated("ResultMustBeBitwiseCopyable", "String", "withMapped(_:state:tearDown:_:read:)")),
        Mistake(
            async: "_ = try await p.map([1], state: { 1 }) { s, i in Node() }",
            returned(neither, result, "Node", "map(_:state:tearDown:_:)")),
        Mistake(
            async: "_ = await p.mapResults([1], state: { 1 }) { s, i in Node() }",
            returned(neither, result, "Node", "mapResults(_:state:tearDown:_:)")),
        Mistake(
            async: "_ = try await p.withMapped([1], state: { 1 }, { s, i in Node() }) { $0.count }",
            returned(
                "ResultIsNotBitwiseCopyable", "ResultMustBeBitwiseCopyable", "Node",
                "withMapped(_:state:tearDown:_:read:)")),
        Mistake(
            "throws", "_ = try p.resident(state: { 1 }) { (s, x: Wrapper) in 1 }",
            isolated(both, "Wrapper, Int", "resident(state:tearDown:_:)")),
        Mistake(
            "throws", "_ = try p.resident(state: { 1 }) { (s, n: Int) in Node() }",
            isolated(both, "Int, Node", "resident(state:tearDown:_:)")),
        Mistake(
            "", "_ = p.stream([1], state: { 1 }) { s, i in Node() }",
            isolated(result, "Node", "stream(_:order:window:state:tearDown:_:)")),
        Mistake(
            "", "_ = p.stream(AnySequence([1]), state: { 1 }) { s, i in Node() }",
            isolated(both, "Int, Node", "stream(_:order:window:state:tearDown:_:)")),
        Mistake(
            "", "_ = p.stream(AsyncStream<Node> { nil }, state: { 1 }) { s, i in 1 }",
            isolated(both, "Node, Int", "stream(_:order:window:state:tearDown:_:)")),
        // A state that waits, a body without it, one that does not take it `inout`.
        Mistake(
            "throws", "_ = try p.map([1], state: { await slow(1) }) { s, i in i }",
            "cannot pass function of type '() async -> Int' to parameter expecting synchronous function type"),
        Mistake(
            "throws", "_ = try p.map([1], state: { 1 }) { i in i }",
            "contextual closure type '(inout Int, Int) throws -> Int' expects 2 arguments, but 1 was used in closure body"
        ),
        Mistake(
            "throws", "_ = try p.map([1], state: { Node() }) { (s: Node, i: Int) in i }",
            "cannot convert value of type '(Node, Int) -> Int' to expected argument type '(inout Node, Int) throws -> Int'"
        ),
        // A job that lacks a method.
        Mistake(
            "", "struct J: ForkPool.StatefulJob { func makeState() -> Int { 1 } }",
            "type 'J' does not conform to protocol 'ForkPool.StatefulJob'"),
        Mistake(
            "", "struct J: ForkPool.StatefulJob { func run(_ x: Int, state: inout Int) -> Int { x } }",
            "type 'J' does not conform to protocol 'ForkPool.StatefulJob'"),
    ]
}
