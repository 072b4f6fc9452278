// SPDX-License-Identifier: Apache-2.0
#if Command
/// Quotes words for a shell, where they need it.
///
/// - Parameter words: The words as bytes; those with control characters or invalid UTF-8 become `$'…'` of bash and zsh.
/// - Returns: The words with spaces between.
func quotedForShell(_ words: [[UInt8]]) -> String {
    words.map(quotedForShell).joined(separator: " ")
}

private func quotedForShell(_ word: [UInt8]) -> String {
    let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789%+,-./:=@_^".utf8)
    if !word.isEmpty, word.allSatisfy(plain.contains) { return String(decoding: word, as: UTF8.self) }
    let hexadecimal = Array("0123456789abcdef")
    if let text = String(validating: word, as: UTF8.self), printable(text) == text {
        return "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
    let escaped = word.map { byte in
        switch byte {
        case UInt8(ascii: "'"), UInt8(ascii: "\\"): "\\" + String(UnicodeScalar(byte))
        case 0x20..<0x7F: String(UnicodeScalar(byte))
        default: "\\x" + String(hexadecimal[Int(byte >> 4)]) + String(hexadecimal[Int(byte & 15)])
        }
    }
    return "$'" + escaped.joined() + "'"
}
#endif
