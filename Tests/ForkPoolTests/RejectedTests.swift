// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@Suite("A result that is neither BitwiseCopyable nor Codable")
struct RejectedTests {
    /// Types and ways to get their values; none of them can cross to another process.
    private static let types = """
        import ForkPool

        final class Node { var next: Node? }
        struct Wrapper { var node: Node }
        enum Tree { case leaf, branch(Node) }
        struct Name: Codable { var text: String }
        struct Pixel: BitwiseCopyable { var red: UInt8 }
        func makeNode() -> Node { Node() }

        """

    private static let rejected = [
        "Node()", "Wrapper(node: Node())", "Tree.leaf", "{ 1 } as () -> Int", "makeNode()", "[Node()]",
        "(Node(), 1)", "Optional(Node())", #"("a", 1)"#,
    ]

    private static let accepted = [
        "1", #""a""#, "Name(text: \"a\")", "Pixel(red: 1)", "(1, 2.5)", "[1, 2]", "[[1.5]]", "Optional(1)",
        #"["a": [UInt8(1)]]"#, "()", "print()",
    ]

    /// The ways to map, sync and async; a body goes into each.
    private static let calls = [
        "func NAME(_ pool: ForkPool) throws { _ = try pool.withMapped([1, 2]) { _ in BODY } read: { $0.count } }",
        "func NAME(_ pool: ForkPool) async throws { _ = try await pool.withMapped([1, 2]) { _ in BODY } read: { $0.count } }",
        "func NAME(_ pool: ForkPool) throws { _ = try pool.map([1, 2]) { _ in BODY }.count }",
        "func NAME(_ pool: ForkPool) throws { for one in try pool.map([1, 2]) { _ in BODY } { _ = one } }",
        "func NAME(_ pool: ForkPool) throws { _ = try pool.map([1, 2]) { _ in BODY } }",
        "func NAME(_ pool: ForkPool) { _ = pool.mapResults([1, 2]) { _ in BODY } }",
        "func NAME(_ pool: ForkPool) async throws { _ = try await pool.map([1, 2]) { _ in BODY } }",
        "func NAME(_ pool: ForkPool) async { _ = await pool.mapResults([1, 2]) { _ in BODY } }",
        "func NAME(_ pool: ForkPool) throws { try pool.map([1, 2]) { _ in BODY } }",
        "func NAME(_ pool: ForkPool) throws { let all = try pool.map([1, 2]) { _ in let it = BODY; return it }; _ = all }",
        "func NAME(_ pool: ForkPool) throws { _ = try pool.resident { (_: Int) in BODY } }",
        "func NAME(_ pool: ForkPool) throws { _ = try pool.resident { (_: String) in BODY } }",
        "func NAME(_ pool: ForkPool) { _ = pool.stream([1, 2], order: .completion) { _ in BODY } }",
        "func NAME(_ pool: ForkPool) { _ = pool.stream(sequence(first: 1) { $0 }) { _ in BODY } }",
        "func NAME(_ pool: ForkPool) { _ = pool.stream(sequence(first: \"\") { $0 }, window: 3) { _ in BODY } }",
        "func NAME(_ pool: ForkPool) { _ = pool.stream(AsyncStream<Int> { nil }) { _ in BODY } }",
        "func NAME(_ pool: ForkPool) { _ = pool.stream(AsyncStream<String> { nil }) { _ in BODY } }",
        "func NAME(_ pool: ForkPool) throws { _ = try pool.mapChunks([1, 2], size: 2) { _ in BODY } }",
        "func NAME(_ pool: ForkPool) async throws { _ = try await pool.mapChunks([1, 2]) { _ in BODY } }",
    ]

    @Test("does not compile, in any of the ways to map")
    func doesNotCompile() throws {
        // In async code the result is refused when it leaves the actor of no code, after all types are known.
        #expect(try expectErrors(Self.calls.filter { !$0.contains(" async ") }, pass: .types) == 135)
        #expect(try expectErrors(Self.calls.filter { $0.contains(" async ") }, pass: .values) == 36)
    }

    /// Expects an error in each of the calls with each wrong body; returns how many there are.
    private func expectErrors(_ calls: [String], pass: Compiler.Pass) throws -> Int {
        // One function on a line, so that each error names the call that it refuses.
        var lines: [String] = []
        for body in Self.rejected {
            for call in calls { lines.append(Self.function(call, body, number: lines.count)) }
        }
        let wrong = try Compiler.linesWithErrors(in: Self.types, lines, pass: pass)
        for (number, line) in lines.enumerated() {
            #expect(wrong.contains(number), "compiled: \(line)")
        }
        return wrong.count
    }

    @Test("is told from those that cross, which compile in each of these ways")
    func othersCompile() throws {
        var lines: [String] = []
        for body in Self.accepted {
            for call in Self.calls[4..<8] + Self.calls[10...] {
                lines.append(Self.function(call, body, number: lines.count))
            }
        }
        #expect(lines.count == 143)
        #expect(try Compiler.linesWithErrors(in: Self.types, lines, pass: .values) == [])
    }

    @Test("fails alone: the calls beside it compile")
    func alone() throws {
        let call = Self.calls[4]
        let lines = ["1", "Node()", #""a""#].enumerated().map { Self.function(call, $1, number: $0) }
        #expect(try Compiler.linesWithErrors(in: Self.types, lines) == [1])
    }

    private static func function(_ call: String, _ body: String, number: Int) -> String {
        call.replacingOccurrences(of: "NAME", with: "call\(number)").replacingOccurrences(of: "BODY", with: body)
    }
}
