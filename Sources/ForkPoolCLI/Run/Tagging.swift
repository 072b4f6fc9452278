// SPDX-License-Identifier: Apache-2.0
#if Command
/// Puts a tag and a tab in front of each line of an output, which comes in pieces.
struct LineTagger {
    private let prefix: [UInt8]
    /// Whether the last piece ended within a line.
    private(set) var isWithinLine = false

    /// Makes a tagger.
    ///
    /// - Parameter tag: The tag.
    init(_ tag: [UInt8]) {
        prefix = tag + [UInt8(ascii: "\t")]
    }

    /// Returns a piece with its tags.
    mutating func tagged(_ bytes: some Collection<UInt8>) -> [UInt8] {
        let newline = UInt8(ascii: "\n")
        var result: [UInt8] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let end = rest.firstIndex(of: newline).map { rest.index(after: $0) }
            if !isWithinLine { result += prefix }
            result += rest[..<(end ?? rest.endIndex)]
            isWithinLine = end == nil
            rest = rest[(end ?? rest.endIndex)...]
        }
        return result
    }
}

/// The two outputs of a job.
enum JobStream {
    case output
    case errors
}

/// The taggers of a job's two outputs.
final class JobTags {
    private var output: LineTagger
    private var errors: LineTagger

    init(_ item: [UInt8]) {
        (output, errors) = (LineTagger(item), LineTagger(item))
    }

    /// The tagger of an output.
    subscript(stream: JobStream) -> LineTagger {
        get { stream == .output ? output : errors }
        set { if stream == .output { output = newValue } else { errors = newValue } }
    }
}
#endif
