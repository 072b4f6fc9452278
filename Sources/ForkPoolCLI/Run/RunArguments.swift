// SPDX-License-Identifier: Apache-2.0
#if Command
import ArgumentParser
import Glibc

/// The arguments after the options: the command, and the lists of items.
///
/// They are bytes, not text: an item may contain any byte but zero.
struct RunArguments {
    let template: CommandTemplate
    /// The lists after each `:::`.
    let lists: [[[UInt8]]]

    /// Reads the arguments.
    ///
    /// - Parameters:
    ///   - words: The words after the options.
    ///   - script: The script of `--sh`, which replaces the command.
    /// - Throws: `ValidationError`.
    init(_ words: [[UInt8]], script: [UInt8]?) throws {
        var rest = words[...]
        if rest.first == Array("--".utf8) {
            rest.removeFirst()
        } else if let first = rest.first, first.first == UInt8(ascii: "-") {
            throw ValidationError(
                "unknown option \(printable(String(decoding: first, as: UTF8.self))); "
                    + "a command whose name begins with - goes after --.")
        }
        let separator = Array(":::".utf8)
        var command: [[UInt8]] = []
        var lists: [[[UInt8]]] = []
        for word in rest {
            if word == separator {
                lists.append([])
            } else if lists.isEmpty {
                command.append(word)
            } else {
                lists[lists.count - 1].append(word)
            }
        }
        self.lists = lists
        guard ItemSource.combinations(of: lists) != nil else {
            throw ValidationError("the lists have more combinations than can be counted.")
        }
        if let script {
            guard command.isEmpty else {
                throw ValidationError("--sh is the command; items go after :::, or come from standard input.")
            }
            template = CommandTemplate([Array("sh".utf8), Array("-c".utf8), script, Array("sh".utf8)], isLiteral: true)
            return
        }
        guard !command.isEmpty else {
            throw ValidationError("no command. For example: forkpool run -- gzip {} ::: a.txt b.txt")
        }
        template = CommandTemplate(command)
        guard template.highestValue <= max(lists.count, 1) else {
            throw ValidationError(
                "{\(template.highestValue)} stands for the value of list \(template.highestValue), "
                    + "but there \(lists.count < 2 ? "is only 1 list" : "are only \(lists.count) lists").")
        }
    }
}
#endif
