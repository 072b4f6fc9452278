// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Glibc

/// A temporary folder for a test, removed with everything in it.
final class ScratchFolder: Sendable {
    let path: String

    /// Makes an empty folder.
    ///
    /// - Throws: An error of the file system.
    init() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("forkpool-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    /// Writes a file, and the folders above it.
    ///
    /// - Parameters:
    ///   - text: The content.
    ///   - name: The path from the folder.
    /// - Returns: The whole path.
    /// - Throws: An error of the file system.
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
    ///   - name: The path from the folder.
    ///   - target: The target of the link.
    /// - Returns: The whole path.
    /// - Throws: An error of the file system.
    @discardableResult
    func link(_ name: String, to target: String) throws -> String {
        try FileManager.default.createSymbolicLink(atPath: path + "/" + name, withDestinationPath: target)
        return path + "/" + name
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }
}
#endif
