// SPDX-License-Identifier: Apache-2.0
#if Command
import ArgumentParser

// Braces mean something to shells, awk and regular expressions, too. What would silently be read otherwise than it is
// meant gets an error that says what to type.

extension RunRequest {
    /// Refuses `{1}` within a word where there is one list of items: it may be a part of a regular expression.
    ///
    /// - Throws: `ValidationError`.
    func checkSingleNumber(_ words: [[UInt8]]) throws {
        for word in words.map({ String(decoding: $0, as: UTF8.self) }) where word != "{1}" {
            guard Self.has("{1}", in: word) else { continue }
            throw ValidationError(
                "{1} in \(printable(word)) stands for the item; \\{1} is the text itself, {} the item.")
        }
    }

    /// Refuses what stands for the item in a command, and not in a script.
    ///
    /// - Throws: `ValidationError`.
    func checkScript(_ script: String) throws {
        // A script that has its item says what it means: find has {} too, and a regular expression {1}.
        let hasItem = ["$1", "$@", "$*", "${1", "${@", "${*", "FORKPOOL_ITEM", "shift", "getopts"].contains {
            script.contains($0)
        }
        if let replacement {
            guard hasItem || pipe || !script.contains(replacement) else {
                throw ValidationError("in a script of --sh the item is \"$1\", not \(printable(replacement)).")
            }
            return
        }
        for (braces, words) in [("{#}", "\"$FORKPOOL_NUMBER\""), ("{%}", "\"$FORKPOOL_PLACE\"")] {
            if Self.has(braces, in: script) { throw Self.inScript(words, braces) }
        }
        guard !hasItem else { return }
        for (braces, words) in Self.scriptWords where Self.has(braces, in: script) && !pipe {
            throw Self.inScript(words, braces)
        }
        // These programs have {} of their own.
        guard script.contains("{}"), !["-exec", "-ok", "xargs", "parallel"].contains(where: script.contains) else {
            return
        }
        if pipe { throw ValidationError("--pipe has no item for {}: the script reads its standard input.") }
        throw ValidationError("in a script of --sh the item is \"$1\", not {}. With -I @ braces are text.")
    }

    private static func inScript(_ words: String, _ braces: String) -> ValidationError {
        ValidationError("in a script of --sh, type \(words) for \(braces). With -I @ braces are text.")
    }

    /// What a shell has for the parts of an item.
    private static let scriptWords = [
        ("{1}", "\"$1\""), ("{2}", "\"$2\""), ("{3}", "\"$3\""), ("{.}", "\"${1%.*}\""), ("{/}", "\"${1##*/}\""),
        ("{//}", "\"$(dirname \"$1\")\""), ("{/.}", "\"$(basename \"${1%.*}\")\""),
    ]

    /// Refuses a line that ends with CR and LF: the CR would be a part of the last column.
    ///
    /// - Parameter values: The columns of the first line.
    /// - Throws: `ValidationError`.
    func checkLineEnd(_ values: [[UInt8]]) throws {
        guard !null, values.last?.last == UInt8(ascii: "\r") else { return }
        throw ValidationError(
            "the lines of \(itemsName) end with CR and LF: remove the CR first, such as by tr -d '\\r'.")
    }

    /// Refuses the name of a column that the header does not have.
    ///
    /// - Parameters:
    ///   - names: The names of the columns.
    ///   - words: The words of the command.
    /// - Throws: `ValidationError`.
    func checkNames(_ names: [[UInt8]], _ words: [[UInt8]]) throws {
        guard replacement == nil, !lines else { return }
        let known = names.map { String(decoding: $0, as: UTF8.self) }
        if let script {
            for (column, name) in known.enumerated() where !name.isEmpty && Self.has("{\(name)}", in: script) {
                throw Self.inScript("\"${\(column + 1)}\"", "{\(name)}")
            }
            return
        }
        let input = input.map { [$0] } ?? []
        for word in words.map({ String(decoding: $0, as: UTF8.self) }) + input {
            for inside in Self.braces(in: word) {
                let name = inside.prefix { !"/.".contains($0) }
                guard CommandTemplate.isName(Array(inside.utf8)[...]) else { continue }
                let columns = known.indices.filter { known[$0] == name }
                if columns.count == 1 { continue }
                guard columns.isEmpty else {
                    throw ValidationError(
                        "\(itemsName) has \(columns.count) columns \(name): type a number, such as {\(columns[1] + 1)}."
                    )
                }
                let list = known.prefix(20).joined(separator: ", ")
                throw ValidationError(
                    "\(itemsName) has no column \(name): its first line has \(printable(list)); "
                        + "\\{\(inside)} is the text itself.")
            }
        }
    }

    /// The texts within braces, but for those after a backslash or a dollar.
    private static func braces(in word: String) -> [Substring] {
        var found: [Substring] = []
        var rest = word[...]
        while let start = rest.firstIndex(of: "{") {
            let before = rest[..<start].last
            rest = rest[rest.index(after: start)...]
            guard let end = rest.firstIndex(where: { "{}".contains($0) }), rest[end] == "}" else { continue }
            if before != "\\", before != "$" { found.append(rest[..<end]) }
        }
        return found
    }

    private static func has(_ placeholder: String, in word: String) -> Bool {
        braces(in: word).contains(placeholder.dropFirst().dropLast())
    }

    /// The command, and the options that decide what it does with an item: shards of one run have the same.
    func commandText(_ line: RunArguments) -> String {
        var words: [String] = []
        func add(_ option: String, _ value: String?) {
            if let value { words += [option, value] }
        }
        add("-n", maxArgs.map(String.init))
        add("--batch-bytes", batchBytes.map { String($0.bytes) })
        add("--colsep", colsep)
        if header { words.append("--header") }
        add("-I", replacement)
        if lines { words.append("--lines") }
        if pipe { words.append("--pipe") }
        add("--input", input)
        add("--sh", script)
        return quotedForShell(words.map { Array($0.utf8) } + line.command)
    }
}
#endif
