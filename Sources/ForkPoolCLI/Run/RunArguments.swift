// SPDX-License-Identifier: Apache-2.0
#if Command
import ArgumentParser
import Glibc

/// The arguments after the options: the command, and the lists of items.
///
/// They are bytes, not text: an item may contain any byte but zero.
struct RunArguments {
    /// A list of items.
    struct List {
        /// Whether its items go together with those of the list before it.
        let isLinked: Bool
        /// Whether the words are the names of files, whose lines are the items.
        let isFile: Bool
        var words: [[UInt8]] = []
    }

    /// The words of the command, without the items.
    let command: [[UInt8]]
    let lists: [List]

    /// Reads the arguments.
    ///
    /// - Parameter words: The words after the options.
    /// - Throws: `ValidationError`.
    init(_ words: [[UInt8]]) throws {
        var rest = words[...]
        if rest.first == Array("--".utf8) {
            rest.removeFirst()
        } else if let first = rest.first, first.first == UInt8(ascii: "-") {
            throw ValidationError(ForeignOptions.refusal(of: String(decoding: first, as: UTF8.self)))
        }
        var command: [[UInt8]] = []
        var lists: [List] = []
        for (position, word) in rest.enumerated() {
            if let list = Self.list(word) {
                if list.isLinked, lists.isEmpty {
                    throw ValidationError(
                        "\(String(decoding: word, as: UTF8.self)) links a list to the one before it, which is missing.")
                }
                lists.append(list)
            } else if let separator = Self.separator(gluedTo: word),
                !lists.isEmpty || !rest.dropFirst(position).contains(where: { Self.list($0) != nil })
            {
                let text = String(decoding: word.dropFirst(separator.utf8.count), as: UTF8.self)
                throw ValidationError(
                    "\(separator) is a word of its own: \(separator) \(printable(text)). An item that begins with ::: goes into standard input or a file."
                )
            } else if lists.isEmpty {
                command.append(word)
            } else {
                lists[lists.count - 1].words.append(word)
            }
        }
        (self.command, self.lists) = (command, lists)
    }

    /// How many lists there are: each file is one.
    var listCount: Int { lists.reduce(0) { $0 + ($1.isFile ? $1.words.count : 1) } }

    private static func list(_ word: [UInt8]) -> List? {
        guard word.starts(with: ":::".utf8) else { return nil }
        switch String(decoding: word, as: UTF8.self) {
        case ":::": return List(isLinked: false, isFile: false)
        case ":::+": return List(isLinked: true, isFile: false)
        case "::::": return List(isLinked: false, isFile: true)
        case "::::+": return List(isLinked: true, isFile: true)
        default: return nil
        }
    }

    /// Returns the mark of a list that a word begins with; nil if there is none.
    private static func separator(gluedTo word: [UInt8]) -> String? {
        guard word.starts(with: ":::".utf8) else { return nil }
        return ["::::+", "::::", ":::+", ":::"].first { word.starts(with: $0.utf8) }
    }

    /// Makes the lists of items, and reads those that are in files.
    ///
    /// - Parameters:
    ///   - lists: What was given.
    ///   - read: Reads the lines of a file.
    /// - Returns: The lists.
    /// - Throws: `ValidationError`, or an error of `read`.
    static func itemLists(_ lists: [List], _ read: ([UInt8]) throws -> [[UInt8]]) throws -> ItemLists {
        var result = ItemLists()
        for list in lists {
            // Each file is a list of its own.
            for items in list.isFile ? try list.words.map(read) : [list.words] {
                if !list.isLinked {
                    result.add(items)
                } else if !result.link(items) {
                    throw ValidationError("lists that :::+ or ::::+ links must have the same length.")
                }
            }
        }
        guard result.combinations != nil else {
            throw ValidationError("the lists have more combinations than can be counted.")
        }
        return result
    }
}
#endif
