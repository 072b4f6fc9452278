// SPDX-License-Identifier: Apache-2.0
#if Command
import Glibc

/// A pipe from which the runner takes bytes.
enum CaptureSource {
    case running(Capture)
    /// One whose job has ended.
    case left(CapturePipe)

    var descriptor: Int32 {
        switch self {
        case .running(let capture): capture.pipe?.descriptor ?? -1
        case .left(let pipe): pipe.descriptor ?? -1
        }
    }
}

extension CommandRunner {
    /// The pipes of running jobs, and those that processes have which jobs left running.
    var pipes: [CaptureSource] {
        var all = leftPipes.map { CaptureSource.left($0) }
        for case let each? in running {
            for capture in [each.output, each.errors] {
                if let capture, capture.pipe?.descriptor != nil { all.append(.running(capture)) }
            }
        }
        return all
    }

    /// Takes what jobs have written to pipes, so that none waits for the reader of this process.
    func drainPipes() throws {
        guard memory.usesPipes else { return }
        for source in pipes {
            var entry = pollfd(fd: source.descriptor, events: Int16(POLLIN), revents: 0)
            if unsafe poll(&entry, 1, 0) > 0 { try drain(source) }
        }
    }

    /// Takes bytes from a pipe that has some, or is at its end.
    func drain(_ source: CaptureSource) throws {
        switch source {
        case .running(let capture): try capture.drain()
        case .left(let pipe):
            // What a process writes after its job has ended is not printed.
            _ = pipe.take()
            if pipe.isAtEnd { leftPipes.removeAll { $0 === pipe } }
        }
    }

    /// Takes the rest from the pipe of a job that has ended.
    func endPipe(of capture: Capture?) throws {
        guard let capture, let pipe = capture.pipe else { return }
        try capture.drain(wholly: true)
        // The first read that finds nothing tells whether a process still has the other end.
        if !pipe.isAtEnd { try capture.drain() }
        if !pipe.isAtEnd { leftPipes.append(pipe) }
    }
}
#endif
