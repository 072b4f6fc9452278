// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@Suite("The Swift of the documents")
struct ReadmeTests {
    static let project = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    @Test("compiles, each snippet as the program that a reader would make of it", arguments: documents)
    func snippetsCompile(of document: String) throws {
        // Those with an output are compiled where they run.
        let run = try Set(Self.programs(of: document).map(\.code))
        for snippet in try Self.snippets(of: document) where !run.contains(snippet) {
            let (status, text) = try Compiler.check(snippet)
            #expect(status == 0, "\(document): \(text)\n\(snippet)")
        }
    }

    @Test("is found in the README, the articles and the documentation comments")
    func documentsAreFound() throws {
        let found = Set(Self.documents)
        for name in ["README.md", "Failures.md", "ForkPool.md", "Parity.md", "Residents.md", "ForkPool.Job.swift"] {
            #expect(found.contains { $0.hasSuffix(name) }, "\(name) shows no Swift")
        }
        // Swift blocks are spelled "```swift" everywhere.
        for document in found {
            let text = try String(contentsOf: Self.project.appendingPathComponent(document), encoding: .utf8)
            #expect(!text.contains("```Swift") && !text.contains("``` swift"), "\(document)")
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

    @Test("links to files that are there", arguments: ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"])
    func linksLead(of document: String) throws {
        let text = try String(contentsOf: Self.project.appendingPathComponent(document), encoding: .utf8)
        for link in text.matches(of: #/\]\((?!https?:)([^)#]+)/#) {
            let path = Self.project.appendingPathComponent(String(link.1)).path
            #expect(FileManager.default.fileExists(atPath: path), "\(document) links to \(link.1)")
        }
    }

    /// Every file that shows Swift: documents at the top and in the library's folder, and documentation comments.
    static let documents: [String] = {
        let top = (try? FileManager.default.contentsOfDirectory(atPath: project.path)) ?? []
        let sources = FileManager.default.subpaths(atPath: project.appendingPathComponent("Sources").path) ?? []
        return (top.filter { $0.hasSuffix(".md") } + sources.map { "Sources/\($0)" })
            .filter { $0.hasSuffix(".md") || $0.hasSuffix(".swift") }
            .filter { (try? snippets(of: $0))?.isEmpty == false }
            .sorted()
    }()

    /// The text between "```swift" and "```"; a documentation comment leaves out the import.
    private static func snippets(of document: String) throws -> [String] {
        var text = try String(contentsOf: project.appendingPathComponent(document), encoding: .utf8)
        let isComment = document.hasSuffix(".swift")
        // The file is in the folder of its module.
        let modules = Set(["ForkPool", document.split(separator: "/").dropFirst().first ?? "ForkPool"])
        let imports = modules.map { "import \($0)\n" }.joined()
        if isComment { text.replace(#/(?m)^ *\/\/\/ ?/#, with: "") }
        return text.components(separatedBy: "```swift\n").dropFirst()
            .map { (isComment ? imports : "") + $0.components(separatedBy: "\n```")[0] }
    }
}
