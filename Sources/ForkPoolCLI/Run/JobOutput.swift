// SPDX-License-Identifier: Apache-2.0
#if Command
import Glibc

/// The output of a job that ended, of one of its two streams.
enum JobOutput {
    case nothing
    /// A small output, already read from the capture.
    case bytes([UInt8])
    /// A large output, which stays in the capture until it is printed; without what was printed while the job ran.
    case whole(Capture, Range<Int>)
    /// An output that waits in a file for earlier jobs.
    case stored(StoredOutputs, Range<Int>)

    /// The number of bytes.
    var length: Int {
        switch self {
        case .nothing: 0
        case .bytes(let bytes): bytes.count
        case .whole(_, let range), .stored(_, let range): range.count
        }
    }

    /// The same output, read from its capture.
    ///
    /// - Throws: `OutputError`.
    func inMemory() throws -> JobOutput {
        guard case .whole = self else { return self }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(length)
        try forEachPiece { bytes += $0 }
        return .bytes(bytes)
    }

    /// The number of bytes in memory.
    var memory: Int {
        switch self {
        case .nothing, .stored: 0
        case .bytes(let bytes): bytes.count
        case .whole(let capture, _): capture.memory
        }
    }

    /// Whether it keeps a descriptor open.
    var hasCapture: Bool {
        if case .whole = self { true } else { false }
    }

    /// The files and ranges in which the bytes are, if they are not in memory.
    var parts: [(descriptor: Int32, range: Range<Int>)] {
        switch self {
        case .nothing, .bytes: []
        case .whole(let capture, let range): capture.parts(of: range)
        case .stored(let file, let range): [(file.descriptor, range)]
        }
    }

    /// Calls `body` with the bytes, piece by piece.
    ///
    /// - Throws: `OutputError`, or an error of `body`.
    func forEachPiece(_ body: ([UInt8]) throws -> Void) throws {
        if case .bytes(let bytes) = self { try body(bytes) }
        for (descriptor, range) in parts {
            var rest = range
            while !rest.isEmpty {
                let bytes = try readAll(descriptor, rest.prefix(1 << 16))
                // The job shortened its output.
                if bytes.isEmpty { break }
                try body(bytes)
                rest = (rest.lowerBound + bytes.count)..<rest.upperBound
            }
        }
    }
}

/// A file or stream that cannot be written.
struct OutputError: Error {
    let what: String
    /// The errno.
    let code: Int32

    static let standardOutput = "standard output"

    /// What messages call the output of a job that is not printed yet.
    static func waiting(_ job: Int, in folder: String) -> String {
        "the output of job \(job), which waits in \(folder) (see --tmpdir)"
    }

    /// Whether the reader of standard output closed the pipe, which is no error.
    var isClosedPipe: Bool { code == EPIPE && what == Self.standardOutput }
}
#endif
