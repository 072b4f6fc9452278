// SPDX-License-Identifier: Apache-2.0
#if Command
/// Short options in one word, as getopt reads them: `-0n1` is `-0 -n1`, and `-0j 2` is `-0 -j 2`.
enum BundledOptions {
    /// The options without a value; all others have one.
    private static let flags = ["--help", "--version", "--null", "--header", "--lines", "--pipe", "--tag", "--dry-run"]

    /// Divides the bundles among the options of `run`; leaves the command and its items alone.
    ///
    /// - Parameter words: The words after `run`.
    /// - Returns: The words, each with at most one short option.
    static func divided(_ words: ArraySlice<String>) -> ArraySlice<String> {
        var rest = words
        var result: [String] = []
        while let word = rest.first, word != "--", word.utf8.first == UInt8(ascii: "-") {
            rest.removeFirst()
            guard word.utf8.dropFirst().first != UInt8(ascii: "-") else {
                result.append(word)
                if !flags.contains(word), !word.contains("="), let value = rest.popFirst() { result.append(value) }
                continue
            }
            var bundle = word.dropFirst()
            while let letter = bundle.first, "0X".contains(letter), bundle.count > 1 {
                result.append("-\(letter)")
                bundle.removeFirst()
            }
            result.append("-\(bundle)")
            // The value of the last option, if it is a word of its own.
            if bundle.count == 1, !"0Xh".contains(bundle), let value = rest.popFirst() { result.append(value) }
        }
        return result[...] + rest
    }

    /// Whether some word may be a bundle.
    static func areIn(_ words: [String]) -> Bool {
        words.contains { word in
            let bytes = word.utf8
            guard bytes.count > 2, bytes.first == UInt8(ascii: "-") else { return false }
            let letter = bytes[bytes.index(after: bytes.startIndex)]
            return letter == UInt8(ascii: "0") || letter == UInt8(ascii: "X")
        }
    }
}
#endif
