// SPDX-License-Identifier: Apache-2.0
#if Command
/// The command of every job: words with placeholders for the item.
///
/// A word stays one word whatever the item contains: no shell reads it.
struct CommandTemplate {
    /// The part of a path that a placeholder stands for.
    private enum Part {
        case all
        /// The file name, without folders.
        case name
        /// The folder.
        case folder
        /// The path without its extension.
        case withoutExtension
        /// The file name without its extension.
        case stem
    }

    private enum Piece {
        case text([UInt8])
        /// One of the item's values; if `value` is nil, all of them with spaces between.
        case item(value: Int?, Part)
        case number
        case slot
    }

    private let words: [[Piece]]
    /// The highest value number in a placeholder, from 1; 0 if no placeholder has a number.
    let highestValue: Int

    /// Reads a command's words.
    ///
    /// - Parameters:
    ///   - words: The words, the program first; without a placeholder, the item's values are appended.
    ///   - isLiteral: Whether braces have no meaning, as in a script.
    init(_ words: [[UInt8]], isLiteral: Bool = false) {
        var pieces = words.map { isLiteral ? [.text($0)] : Self.pieces(of: $0[...]) }
        let placeholders = pieces.joined().filter { if case .text = $0 { false } else { true } }
        if placeholders.isEmpty { pieces.append([]) }
        self.words = pieces
        highestValue = placeholders.reduce(0) { highest, piece in
            if case .item(let value?, _) = piece { max(highest, value) } else { highest }
        }
    }

    /// The program, if every job runs the same one.
    var program: [UInt8]? {
        guard let first = words.first, first.count == 1, case .text(let name) = first[0] else { return nil }
        return name
    }

    /// Makes the words of one job's command.
    ///
    /// - Parameters:
    ///   - values: The item's values: one from each list.
    ///   - number: The job's number, from 1.
    ///   - slot: The job's slot, from 1.
    /// - Returns: The words.
    func words(_ values: [[UInt8]], number: Int, slot: Int) -> [[UInt8]] {
        var result: [[UInt8]] = []
        result.reserveCapacity(words.count + values.count)
        for word in words {
            // Only the word that `init` appends for the values is empty.
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

    /// Reads the text between braces; nil if it is no placeholder.
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
            // A name such as ".hidden" has no extension.
            guard let point = name.lastIndex(of: UInt8(ascii: ".")), point > name.startIndex else { return path }
            return path[..<point]
        }
    }

    /// Joins an item's values with spaces.
    static func joined(_ values: some Sequence<some Collection<UInt8>>) -> [UInt8] {
        Array(values.joined(separator: [UInt8(ascii: " ")]))
    }
}
#endif
