/// Puts an item in front of each of its job's lines.
enum Tagging {
    /// A job's output, every line of which begins with a tag and a tab.
    ///
    /// - Parameters:
    ///   - captured: The output; the whole of it is held in memory at once.
    ///   - tag: What each line begins with.
    /// - Returns: The tagged output.
    static func tagged(_ captured: Captured, _ tag: [UInt8]) -> Captured {
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
