import ArgumentParser
import Glibc

/// What the command line says behind the options: the command, and lists of items.
///
/// Taken as bytes from where the system put them: an item may be any bytes but a zero.
struct RunLine {
    let template: CommandTemplate
    /// The lists behind each `:::`.
    let lists: [[[UInt8]]]

    /// - Parameters:
    ///   - words: The words behind the options, as they were given.
    ///   - script: The script of `--sh`, which is the command then.
    /// - Throws: What is wrong with them.
    init(_ words: [[UInt8]], script: [UInt8]?) throws {
        var rest = words[...]
        if rest.first == Array("--".utf8) {
            rest.removeFirst()
        } else if let first = rest.first, first.first == UInt8(ascii: "-") {
            throw ValidationError(
                "unknown option \(printable(String(decoding: first, as: UTF8.self))); "
                    + "a command whose name begins so follows behind --.")
        }
        let parts = rest.split(separator: Array(":::".utf8), omittingEmptySubsequences: false)
        lists = parts.dropFirst().map(Array.init)
        guard ItemSource.combinations(of: lists) != nil else {
            throw ValidationError("the lists have more combinations than can be counted.")
        }
        let command = Array(parts.first ?? [])
        if let script {
            guard command.isEmpty else {
                throw ValidationError("--sh is the command; items follow behind :::, or come from standard input.")
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
                "{\(template.highestValue)} stands for the value of a list that is not there: "
                    + "there \(lists.count < 2 ? "is 1" : "are \(lists.count)").")
        }
    }
}
