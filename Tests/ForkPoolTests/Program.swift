import Foundation
import Testing

@testable import ForkPool

/// A program that a test runs to its end.
///
/// Not Foundation's `Process`, whose weak reference to itself is now and then reported as a leak when the tests end.
enum Program {
    /// Runs a program without input.
    ///
    /// - Parameters:
    ///   - path: The program's file.
    ///   - arguments: What follows its name.
    ///   - environment: All of its environment, as `NAME=value`; nil for that of the tests.
    ///   - deadline: The seconds after which it is killed, which is an issue.
    /// - Returns: Its exit status, nil if a signal ended it, and what it wrote to both of its outputs.
    /// - Throws: What the system refused.
    static func run(
        _ path: String, _ arguments: [String], environment: [String]? = nil, deadline: Int32 = 300
    ) throws -> (status: Int32?, text: String) {
        var name = Array("/tmp/forkpool-test-XXXXXX".utf8CString)
        let output = unsafe mkstemp(&name)
        try #require(output >= 0)
        _ = fcntl(output, F_SETFD, FD_CLOEXEC)
        unsafe unlink(name)
        let nothing = unsafe open("/dev/null", O_RDONLY | O_CLOEXEC)
        try #require(nothing >= 0)
        let file = FileHandle(fileDescriptor: output, closeOnDealloc: true)
        defer { close(nothing) }

        let process = try CommandProcess(
            path: path, arguments: [path] + arguments, environment: environment, input: nothing, output: output,
            errors: output)
        var entry = pollfd(fd: process.descriptor, events: Int16(POLLIN), revents: 0)
        if unsafe poll(&entry, 1, deadline * 1000) != 1 {
            Issue.record("\(path) was still running after \(deadline) s")
            process.kill(SIGKILL)
        }
        let end = process.reap()
        try file.seek(toOffset: 0)
        return (end.status, String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self))
    }
}
