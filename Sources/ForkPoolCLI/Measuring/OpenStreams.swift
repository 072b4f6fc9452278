// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool
import Glibc

/// The standard input and output of one run, opened for it; closed with this object.
final class OpenStreams {
    let input: Int32
    let output: Int32
    /// The pipe that the output goes to, if it does.
    let pipe: OutputPipe?
    private let null: Int32

    /// Opens the streams of a run (`open`, `pipe`).
    ///
    /// - Parameters:
    ///   - input: The file to read; nil for an empty one.
    ///   - output: Where the output goes.
    ///   - null: A descriptor of `/dev/null`.
    /// - Throws: What the system refused.
    init(input: String?, output: OutputTarget, null: Int32) throws(SystemError) {
        let pipe = try output == .pipe ? OutputPipe(keeping: 0) : nil
        let opened = try input.map { path throws(SystemError) in try Self.open(path, O_RDONLY) }
        do throws(SystemError) {
            self.output =
                switch output {
                case .null: null
                case .inherit: STDOUT_FILENO
                case .pipe: pipe?.target ?? null
                case .file(let path): try Self.open(path, O_WRONLY | O_CREAT | O_TRUNC)
                }
        } catch {
            if let opened { close(opened) }
            throw error
        }
        self.pipe = pipe
        self.input = opened ?? null
        self.null = null
    }

    deinit {
        if input != null { close(input) }
        if output != null, output != STDOUT_FILENO, pipe == nil { close(output) }
    }

    private static func open(_ path: String, _ flags: Int32) throws(SystemError) -> Int32 {
        let descriptor = unsafe Glibc.open(path, flags | O_CLOEXEC | O_NOCTTY, 0o666)
        guard descriptor >= 0 else { throw SystemError(call: "open", code: errno) }
        return descriptor
    }
}

extension OutputTarget {
    /// Where the output of commands goes that run around the measured ones: it is shown, or discarded.
    var ofOthers: OutputTarget { self == .inherit ? .inherit : .null }
}
#endif
