/// The command of every job: words in which an item takes the place of the placeholders.
///
/// A word stays one word whatever the item holds: no shell reads it.
struct CommandTemplate {
    /// What is taken of a path.
    private enum Part {
        case all
        /// Without the folders before it.
        case name
        /// The folder that it is in.
        case folder
        /// Without the ending of its name.
        case withoutExtension
        /// Its name, without the ending.
        case stem
    }

    private enum Piece {
        case text([UInt8])
        /// One of the item's values, or all of them with spaces between, if `value` is nil.
        case item(value: Int?, Part)
        case number
        case slot
    }

    private let words: [[Piece]]
    /// The highest value that a placeholder asks for, counted from 1; 0 if none asks for any by its number.
    let highestValue: Int

    /// Reads a command's words.
    ///
    /// - Parameters:
    ///   - words: The words, the program first; without any placeholder the item's values follow as the last ones.
    ///   - isLiteral: Whether braces mean nothing, as in a script.
    init(_ words: [[UInt8]], isLiteral: Bool = false) {
        var pieces = words.map { isLiteral ? [.text($0)] : Self.pieces(of: $0[...]) }
        let placeholders = pieces.joined().filter { if case .text = $0 { false } else { true } }
        if placeholders.isEmpty { pieces.append([]) }
        self.words = pieces
        highestValue = placeholders.reduce(0) { highest, piece in
            if case .item(let value?, _) = piece { max(highest, value) } else { highest }
        }
    }

    /// Whether every job runs the same program.
    var program: [UInt8]? {
        guard let first = words.first, first.count == 1, case .text(let name) = first[0] else { return nil }
        return name
    }

    /// The words of one job's command.
    ///
    /// - Parameters:
    ///   - values: The item's values, of which there is one unless several lists were given.
    ///   - number: The job's number, from 1.
    ///   - slot: Which of the jobs that run at once it is, from 1.
    /// - Returns: The words.
    func words(_ values: [[UInt8]], number: Int, slot: Int) -> [[UInt8]] {
        var result: [[UInt8]] = []
        result.reserveCapacity(words.count + values.count)
        for word in words {
            // Only the word that stands for the values themselves is empty.
            guard !word.isEmpty else {
                result += values
                continue
            }
            if word.count == 1, case .text(let text) = word[0] {
                result.append(text)
                continue
            }
            result.append(
                word.reduce(into: []) { bytes, piece in
                    switch piece {
                    case .text(let text): bytes += text
                    case .number: bytes += Array(String(number).utf8)
                    case .slot: bytes += Array(String(slot).utf8)
                    case .item(nil, let part): bytes += Self.joined(values.map { Self.take(part, of: $0[...]) })
                    case .item(let value?, let part): bytes += Self.take(part, of: values[value - 1][...])
                    }
                })
        }
        return result
    }

    private static func pieces(of word: ArraySlice<UInt8>) -> [Piece] {
        var pieces: [Piece] = []
        var text: [UInt8] = []
        var rest = word
        while let byte = rest.first {
            if byte == UInt8(ascii: "{"), let end = rest.firstIndex(of: UInt8(ascii: "}")),
                let piece = placeholder(rest[(rest.startIndex + 1)..<end])
            {
                if !text.isEmpty { pieces.append(.text(text)) }
                text = []
                pieces.append(piece)
                rest = rest[(end + 1)...]
            } else {
                text.append(byte)
                rest.removeFirst()
            }
        }
        if !text.isEmpty || pieces.isEmpty { pieces.append(.text(text)) }
        return pieces
    }

    /// What stands between braces, if that is a placeholder.
    private static func placeholder(_ inside: ArraySlice<UInt8>) -> Piece? {
        let digits = inside.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        let value = digits.isEmpty ? nil : Int(String(decoding: digits, as: UTF8.self))
        guard digits.isEmpty || (value ?? 0) > 0 else { return nil }
        switch String(decoding: inside.dropFirst(digits.count), as: UTF8.self) {
        case "": return .item(value: value, .all)
        case "/": return .item(value: value, .name)
        case "//": return .item(value: value, .folder)
        case ".": return .item(value: value, .withoutExtension)
        case "/.": return .item(value: value, .stem)
        case "#" where value == nil: return .number
        case "%" where value == nil: return .slot
        default: return nil
        }
    }

    private static func take(_ part: Part, of path: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let slash = UInt8(ascii: "/")
        switch part {
        case .all: return path
        case .name: return path.lastIndex(of: slash).map { path[($0 + 1)...] } ?? path
        case .folder:
            guard let last = path.lastIndex(of: slash) else { return [UInt8(ascii: ".")] }
            return last == path.startIndex ? [slash] : path[..<last]
        case .stem: return take(.withoutExtension, of: take(.name, of: path))
        case .withoutExtension:
            let name = take(.name, of: path)
            // A name that begins with its only point has no ending.
            guard let point = name.lastIndex(of: UInt8(ascii: ".")), point > name.startIndex else { return path }
            return path[..<point]
        }
    }

    /// An item's values with spaces between.
    static func joined(_ values: some Sequence<some Collection<UInt8>>) -> [UInt8] {
        Array(values.joined(separator: [UInt8(ascii: " ")]))
    }
}
