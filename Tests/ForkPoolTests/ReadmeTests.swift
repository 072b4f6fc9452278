import Foundation
import Testing

@Suite("The Swift of the documents")
struct ReadmeTests {
    private static let project = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    @Test(
        "compiles, each snippet as the program that a reader would make of it",
        arguments: ["README.md"]
            + ["ForkPool", "Residents", "Parity"].map { "Sources/ForkPool/ForkPool.docc/\($0).md" })
    func snippetsCompile(of document: String) throws {
        let snippets = try Self.snippets(of: document)
        #expect(!snippets.isEmpty, "\(document) shows no Swift")
        for snippet in snippets {
            let (status, text) = try Compiler.check(snippet)
            #expect(status == 0, "\(document): \(text)\n\(snippet)")
        }
    }

    @Test("would not compile with a mistake in it")
    func mistakeIsFound() throws {
        let snippet = try #require(try Self.snippets(of: "README.md").first)
        let (status, text) = try Compiler.check(snippet.replacingOccurrences(of: "pool.map(", with: "pool.mapp("))
        #expect(status != 0)
        #expect(text.contains("mapp"))
    }

    @Test("names the two commands, and both are there")
    func commands() throws {
        let text = try String(contentsOf: Self.project.appendingPathComponent("README.md"), encoding: .utf8)
        for command in ["scripts/tour", "scripts/test"] {
            #expect(text.contains("\n\(command) "), "\(command) is not in README.md")
            #expect(FileManager.default.isExecutableFile(atPath: Self.project.appendingPathComponent(command).path))
        }
    }

    /// What stands between "```swift" and "```".
    private static func snippets(of document: String) throws -> [String] {
        let text = try String(contentsOf: project.appendingPathComponent(document), encoding: .utf8)
        return text.components(separatedBy: "```swift\n").dropFirst().map { $0.components(separatedBy: "\n```")[0] }
    }
}
