// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension ReadmeTests {
    @Test("prints what the document says it prints", arguments: documentsWithPrograms)
    func programsPrint(of document: String) throws {
        for (code, output) in try Self.programs(of: document) {
            let (status, text) = try Compiler.run(code)
            #expect(status == 0, "\(document): \(text)\n\(code)")
            #expect(text == output + "\n", "\(document)")
        }
    }

    @Test("is run in the articles that say what it prints")
    func programsAreFound() {
        let found = Self.documentsWithPrograms.map { $0.split(separator: "/").last ?? "" }
        for name in ["BigResults", "CLibraries", "Choosing", "Logging", "Randomness", "WorkerState"] {
            #expect(found.contains("\(name).md"), "\(name).md says nothing of what its program prints")
        }
    }

    /// A step of the tutorial: the file that it shows, and the whole output, as a regular expression.
    struct Step: Sendable, CustomTestStringConvertible {
        let file: String
        let output: String
        /// A part of the output that the step's words have too.
        let said: String

        var testDescription: String { file }
    }

    private static let sums = "[11, 12, 13, 14, 15, 6, 4, 2, 4, 7]"
    private static let timedSums = #"\[11, 12, 13, 14, 15, 6, 4, 2, 4, 7\] [0-9.]+ seconds\n"#
    private static let subtotals = #"(worker [01]: sub total so far [0-9]+\n){4}"#
    private static let steps = [
        Step(file: "01-loop.swift", output: timedSums, said: sums),
        Step(
            file: "02-lazy.swift",
            output: [11, 12, 13, 14, 15, 6, 4, 2, 4, 7].map { #"\#($0) [0-9.]+ seconds\n"# }.joined(), said: " seconds"),
        Step(file: "03-five.swift", output: timedSums, said: sums),
        Step(file: "04-ten.swift", output: timedSums, said: sums),
        Step(file: "05-compute.swift", output: timedSums, said: ""),
        Step(file: "06-processors.swift", output: timedSums + timedSums + #"processors: [0-9]+\n"#, said: ""),
        Step(file: "07-global.swift", output: subtotals + "total in the parent: 0\n", said: "total in the parent: 0"),
        Step(
            file: "08-counter.swift", output: subtotals + "total in the parent: 15\n", said: "total in the parent: 15"),
        Step(file: "09-results.swift", output: "total in the parent: 15\n", said: "total in the parent: 15"),
    ]

    @Test("prints what the step of the tutorial says", arguments: steps)
    func stepPrints(_ step: Step) throws {
        let code = try String(contentsOf: Self.tutorialFiles.appendingPathComponent(step.file), encoding: .utf8)
        let (status, text) = try Compiler.run(code)
        #expect(status == 0, "\(step.file): \(text)")
        #expect(try Regex(step.output).wholeMatch(in: text) != nil, "\(step.file): \(text)")
        #expect(text.contains(step.said) || step.said.isEmpty)
        // What the step says is between its @Step and its @Code.
        let words = try Self.tutorial().components(separatedBy: "file: \(step.file))")
        try #require(words.count == 2, "the tutorial does not show \(step.file) once")
        let said = try #require(words[0].components(separatedBy: "@Step").last)
        #expect(said.contains(step.said) || step.said.isEmpty, "\(step.file): \(said)")
        guard step.file == "07-global.swift" else { return }
        let totals = text.matches(of: /worker (\d): sub total so far (\d+)/).map { ($0.1, Int($0.2) ?? 0) }
        // The workers share the numbers, and each adds up its own.
        #expect(Dictionary(totals, uniquingKeysWith: max).values.reduce(0, +) == 15)
    }

    @Test("is run in every step of the tutorial")
    func stepsAreFound() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.tutorialFiles.path)
        #expect(files.filter { $0.hasSuffix(".swift") }.sorted() == Self.steps.map(\.file))
    }

    private static let documentsWithPrograms = documents.filter { (try? programs(of: $0))?.isEmpty == false }

    private static let catalog = project.appendingPathComponent("Sources/ForkPool/ForkPool.docc")
    private static let tutorialFiles = catalog.appendingPathComponent("Resources/Tutorial")

    private static func tutorial() throws -> String {
        try String(contentsOf: catalog.appendingPathComponent("Tutorials/TenSums.tutorial"), encoding: .utf8)
    }

    /// The Swift blocks of a document that "prints" and a block "```text" follow, and those texts.
    static func programs(of document: String) throws -> [(code: String, output: String)] {
        guard document.hasSuffix(".md") else { return [] }
        let text = try String(contentsOf: project.appendingPathComponent(document), encoding: .utf8)
        return text.components(separatedBy: "```swift\n").dropFirst().compactMap { part in
            let pieces = part.components(separatedBy: "\n```\n\nprints\n\n```text\n")
            guard pieces.count == 2, !pieces[0].contains("\n```") else { return nil }
            return (pieces[0], pieces[1].components(separatedBy: "\n```")[0])
        }
    }
}
