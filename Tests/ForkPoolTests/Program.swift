// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolLaunch
import ForkPoolTestSupport
import Foundation
import Testing

/// A program that a test runs to its end.
///
/// Not Foundation's `Process`: its weak reference to itself is now and then reported as a leak when the tests end.
enum Program {
    /// Runs a program without input.
    ///
    /// - Parameters:
    ///   - path: The program's file.
    ///   - arguments: What follows its name.
    ///   - environment: All of its environment.
    ///   - deadline: The seconds after which it is killed, which is an issue.
    /// - Returns: Its exit status, nil if a signal ended it, and what it wrote to both of its outputs.
    /// - Throws: What the system refused.
    static func run(
        _ path: String, _ arguments: [String], environment: [String: String] = ProcessInfo.processInfo.environment,
        deadline: Double = 300
    ) throws -> (status: Int32?, text: String) {
        let output = try CaptureFile()
        let process = try Spawned(
            [path] + arguments, environment: environment.map { "\($0.key)=\($0.value)" }, output: output.descriptor,
            errors: output.descriptor)
        let end = try process.end(within: deadline)
        #expect(end != nil, "\(path) was still running after \(deadline) s")
        let file = FileHandle(fileDescriptor: output.descriptor, closeOnDealloc: false)
        try file.seek(toOffset: 0)
        let status = end.flatMap { $0 & 0x7F == 0 ? $0 >> 8 & 0xFF : nil }
        return (status, String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self))
    }
}
