// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// The compiler that built these tests, or one of its kind.
enum Compiler {
    /// Checks a program, and returns which of `lines` the compiler refuses.
    ///
    /// - Parameters:
    ///   - head: What comes before the lines.
    ///   - lines: The lines that are asked about.
    ///   - pass: How far it compiles them. No error of the second pass is found while there is one of the first.
    /// - Returns: Their numbers, from 0.
    /// - Throws: That there is no compiler, or that it refuses the head.
    static func linesWithErrors(in head: String, _ lines: [String], pass: Pass = .types) throws -> Set<Int> {
        let (status, text) = try check(head + lines.joined(separator: "\n") + "\n", pass: pass)
        let before = head.split(separator: "\n", omittingEmptySubsequences: false).count - 1
        var wrong: Set<Int> = []
        // "main.swift:12:34: error: …"
        for line in text.split(separator: "\n") where line.hasPrefix("main.swift:") && line.contains(": error: ") {
            let number = try #require(Int(line.dropFirst("main.swift:".count).prefix { $0 != ":" }))
            try #require(number > before, "\(line)")
            wrong.insert(number - before - 1)
        }
        // Whatever else is wrong, such as a module that was not found, is not a refusal of a line.
        #expect((status == 0) == wrong.isEmpty, "the compiler ended with \(String(describing: status)): \(text)")
        return wrong
    }

    enum Pass: String {
        /// What editors show at once.
        case types = "-typecheck"
        /// What a build shows: also whether values leave the actor that they belong to.
        case values = "-emit-sil"
    }

    /// Checks a program, and returns the compiler's status and what it says; the program's name is main.swift.
    static func check(_ program: String, pass: Pass = .types) throws -> (status: Int32?, text: String) {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("forkpool-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data(program.utf8).write(to: folder.appendingPathComponent("main.swift"))
        return try run(in: folder, (pass == .values ? ["-o", "/dev/null"] : []) + [pass.rawValue])
    }

    /// Compiles a program, runs it, and returns its status and what it prints; or those of the compiler, if it refuses it.
    static func run(_ program: String, language: Int = 6) throws -> (status: Int32?, text: String) {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("forkpool-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data(program.utf8).write(to: folder.appendingPathComponent("main.swift"))
        let objects = folder.appendingPathComponent("objects")
        try Data(try libraryObjects().utf8).write(to: objects)
        let executable = folder.appendingPathComponent("program").path
        let compiled = try run(in: folder, ["@\(objects.path)", "-o", executable], language: language)
        guard compiled.status == 0 else { return compiled }
        return try Program.run(executable, [])
    }

    /// The object files of the library, a line each, as the build gave them to the linker of these tests.
    ///
    /// Their folder may also have files of sources that are no more.
    private static func libraryObjects() throws -> String {
        let product = try FileManager.default.contentsOfDirectory(atPath: products.path).first {
            $0.hasSuffix("PackageTests.product")
        }
        let list = products.appendingPathComponent(try #require(product)).appendingPathComponent("Objects.LinkFileList")
        return try String(contentsOf: list, encoding: .utf8).split(separator: "\n")
            .filter { $0.contains("/ForkPool.build/") || $0.contains("/CForkPool.build/") }
            .joined(separator: "\n")
    }

    private static let products =
        URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()

    private static func run(
        in folder: URL, _ arguments: [String], language: Int = 6
    ) throws -> (status: Int32?, text: String) {
        let (status, text) = try Program.run(
            try executable(),
            arguments + [
                "-swift-version", "\(language)", "-diagnostic-style", "llvm", "-module-cache-path", folder.path,
                "-I", products.appendingPathComponent("Modules").path,
                "-Xcc", "-fmodule-map-file=\(products.path)/CForkPool.build/module.modulemap",
                folder.appendingPathComponent("main.swift").path,
            ])
        return (status, text.replacingOccurrences(of: "\(folder.path)/", with: ""))
    }

    /// The `swiftc` on the path.
    private static func executable() throws -> String {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        let found = folders.map { "\($0)/swiftc" }.first { FileManager.default.isExecutableFile(atPath: $0) }
        return try #require(found, "no swiftc on the PATH, which these tests need")
    }
}
