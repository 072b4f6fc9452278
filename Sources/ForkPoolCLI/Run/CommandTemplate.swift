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

    /// How the braces in a command are read.
    struct Reading {
        /// Whether braces have no meaning, as in a script.
        var isLiteral = false
        /// What stands for the item instead of `{}`; all braces are then literal.
        var replacement: [UInt8]?
        /// The names of the columns, which `{NAME}` stands for.
        var names: [[UInt8]] = []
        /// Whether a job has several items, each of which becomes a word.
        var isBatch = false
        /// Whether the item is appended to a command that has no placeholder.
        var appends = true
    }

    private let words: [[Piece]]
    private let isBatch: Bool
    private let names: [[UInt8]]
    /// The highest value number in a placeholder, from 1; 0 if no placeholder has a number.
    let highestValue: Int
    /// Whether a word depends on the item.
    let usesItem: Bool
    /// Whether a word depends on the slot, which another run chooses differently.
    let usesSlot: Bool

    /// Reads a command's words.
    ///
    /// - Parameters:
    ///   - words: The words, the program first; without a placeholder, the item's values are appended.
    ///   - reading: How their braces are read.
    init(_ words: [[UInt8]], _ reading: Reading = Reading()) {
        var pieces = words.map { reading.isLiteral ? [.text($0)] : Self.pieces(of: $0[...], reading) }
        let placeholders = pieces.joined().filter { if case .text = $0 { false } else { true } }
        if placeholders.isEmpty, reading.appends { pieces.append([]) }
        self.words = pieces
        (isBatch, names) = (reading.isBatch, reading.names)
        highestValue = placeholders.reduce(0) { highest, piece in
            if case .item(let value?, _) = piece { max(highest, value) } else { highest }
        }
        usesItem = placeholders.contains { if case .item = $0 { true } else { false } }
        usesSlot = placeholders.contains { if case .slot = $0 { true } else { false } }
    }

    /// The placeholder of a column that an item does not have; nil if it has all.
    func missingColumn(in values: [[UInt8]]) -> String? {
        // The last batch may have fewer items.
        guard !isBatch, highestValue > values.count else { return nil }
        let name = highestValue <= names.count ? String(decoding: names[highestValue - 1], as: UTF8.self) : nil
        return "{\(name ?? String(highestValue))}"
    }

    /// The program, if every job runs the same one.
    var program: [UInt8]? {
        guard let first = words.first, first.count == 1, case .text(let name) = first[0] else { return nil }
        return name
    }

    /// Makes the words of one job's command.
    ///
    /// - Parameters:
    ///   - values: The item's values: one from each list, or the items of a batch.
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
            let isForEach = isBatch && word.contains { if case .item(nil, _) = $0 { true } else { false } }
            for item in isForEach ? values.map({ [$0] }) : [values] {
                result.append(Self.filled(word, item, of: values, number: number, slot: slot))
            }
        }
        return result
    }

    /// Makes a word: `item` is what `{}` stands for, `values` has what the numbers stand for.
    private static func filled(
        _ word: [Piece], _ item: [[UInt8]], of values: [[UInt8]], number: Int, slot: Int
    ) -> [UInt8] {
        word.reduce(into: []) { bytes, piece in
            switch piece {
            case .text(let text): bytes += text
            case .number: bytes += Array(String(number).utf8)
            case .slot: bytes += Array(String(slot).utf8)
            case .item(nil, let part): bytes += joined(item.map { take(part, of: $0[...]) })
            // The last batch has fewer values.
            case .item(let value?, let part) where value <= values.count:
                bytes += take(part, of: values[value - 1][...])
            case .item: break
            }
        }
    }

    private static func pieces(of word: ArraySlice<UInt8>, _ reading: Reading) -> [Piece] {
        var pieces: [Piece] = []
        var text: [UInt8] = []
        var rest = word
        while !rest.isEmpty {
            // A backslash makes a placeholder text. It stays where it makes no difference.
            let isEscaped = rest.first == UInt8(ascii: "\\")
            if isEscaped, let end = endOfName(rest.dropFirst(), reading) {
                text += rest[(rest.startIndex + 1)..<end]
                rest = rest[end...]
                continue
            }
            guard let (piece, end) = placeholder(isEscaped ? rest.dropFirst() : rest, reading) else {
                text.append(rest.removeFirst())
                continue
            }
            if isEscaped {
                text += rest[(rest.startIndex + 1)..<end]
            } else {
                if !text.isEmpty { pieces.append(.text(text)) }
                text = []
                pieces.append(piece)
            }
            rest = rest[end...]
        }
        if !text.isEmpty || pieces.isEmpty { pieces.append(.text(text)) }
        return pieces
    }

    /// Reads a placeholder at the beginning of a text, and where it ends; nil if there is none.
    private static func placeholder(_ text: ArraySlice<UInt8>, _ reading: Reading) -> (Piece, end: Int)? {
        if let replacement = reading.replacement {
            return text.starts(with: replacement)
                ? (.item(value: nil, .all), text.startIndex + replacement.count) : nil
        }
        guard text.first == UInt8(ascii: "{"), let end = text.firstIndex(of: UInt8(ascii: "}")) else { return nil }
        let inside = text[(text.startIndex + 1)..<end]
        return placeholder(inside: inside, reading.names).map { ($0, end + 1) }
    }

    /// Where braces end in which there may be the name of a column; nil if there are no columns or no such braces.
    private static func endOfName(_ text: ArraySlice<UInt8>, _ reading: Reading) -> Int? {
        guard !reading.names.isEmpty, text.first == UInt8(ascii: "{"), let end = text.firstIndex(of: UInt8(ascii: "}"))
        else { return nil }
        return isName(text[(text.startIndex + 1)..<end]) ? end + 1 : nil
    }

    /// Whether a text between braces may be meant as the name of a column, or a part of it.
    static func isName(_ inside: ArraySlice<UInt8>) -> Bool {
        let name = inside.prefix { !"/.".utf8.contains($0) }
        let isDigit = { (byte: UInt8) in (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
        guard part(inside.dropFirst(name.count)) != nil, name.contains(where: { !isDigit($0) }) else { return false }
        return name.allSatisfy { byte in
            isDigit(byte) || "_- ".utf8.contains(byte) || byte >= 0x80
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
        }
    }

    /// Reads the text between braces; nil if it is no placeholder.
    private static func placeholder(inside: ArraySlice<UInt8>, _ names: [[UInt8]]) -> Piece? {
        for (column, name) in names.enumerated() where !name.isEmpty && inside.starts(with: name) {
            if let part = part(inside.dropFirst(name.count)) { return .item(value: column + 1, part) }
        }
        let digits = inside.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        let value = digits.isEmpty ? nil : Int(String(decoding: digits, as: UTF8.self))
        guard digits.isEmpty || (value ?? 0) > 0 else { return nil }
        if value == nil, inside.elementsEqual("#".utf8) { return .number }
        if value == nil, inside.elementsEqual("%".utf8) { return .slot }
        return part(inside.dropFirst(digits.count)).map { .item(value: value, $0) }
    }

    private static func part(_ name: ArraySlice<UInt8>) -> Part? {
        switch String(decoding: name, as: UTF8.self) {
        case "": .all
        case "/": .name
        case "//": .folder
        case ".": .withoutExtension
        case "/.": .stem
        default: nil
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
