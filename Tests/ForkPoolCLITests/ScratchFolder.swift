import Foundation
import Glibc

/// A folder of a test's own, which is removed with everything below it.
final class ScratchFolder: Sendable {
    let path: String

    /// Makes an empty one.
    ///
    /// - Throws: What the system refused.
    init() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("forkpool-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    /// Writes a file, and the folders above it.
    ///
    /// - Parameters:
    ///   - text: What it holds.
    ///   - name: Its path from the folder.
    /// - Returns: Its whole path.
    /// - Throws: What the system refused.
    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
        let file = path + "/" + name
        let above = URL(fileURLWithPath: file).deletingLastPathComponent()
        try FileManager.default.createDirectory(at: above, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        return file
    }

    /// Makes a symbolic link.
    ///
    /// - Parameters:
    ///   - name: Its path from the folder.
    ///   - target: Where it leads.
    /// - Returns: Its whole path.
    /// - Throws: What the system refused.
    @discardableResult
    func link(_ name: String, to target: String) throws -> String {
        try FileManager.default.createSymbolicLink(atPath: path + "/" + name, withDestinationPath: target)
        return path + "/" + name
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }
}
