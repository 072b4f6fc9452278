// SPDX-License-Identifier: Apache-2.0
#if Command
/// Puts the item in front of each line of a job's output.
enum Tagging {
    /// Puts a tag and a tab in front of each line.
    ///
    /// - Parameters:
    ///   - captured: The output, all of which is in memory at once meanwhile.
    ///   - tag: The tag.
    /// - Returns: The tagged output.
    static func tagged(_ captured: JobOutput, _ tag: [UInt8]) -> JobOutput {
        let bytes: [UInt8]
        switch captured {
        case .nothing: return .nothing
        case .bytes(let some): bytes = some
        case .whole(let capture, let length): bytes = capture.read(length)
        }
        let newline = UInt8(ascii: "\n")
        let prefix = tag + [UInt8(ascii: "\t")]
        var result: [UInt8] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let end = rest.firstIndex(of: newline).map { $0 + 1 } ?? rest.endIndex
            result += prefix
            result += rest[..<end]
            rest = rest[end...]
        }
        return .bytes(result)
    }
}
#endif
