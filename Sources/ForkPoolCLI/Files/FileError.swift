// SPDX-License-Identifier: Apache-2.0
#if Command
/// The reason why a file or folder could not be read as it was found.
///
/// A worker sends it to the parent as a value; the parent makes the sentence.
enum FileError: Error, Codable, Equatable {
    /// A system call failed with an errno.
    case refused(call: String, code: Int32)
    /// The file became shorter since it was found.
    case shrank(from: Int, to: Int)
    /// The file was replaced by something that is not a regular file.
    case replaced
    /// The file was written between two readings, so that they cannot be compared.
    case changed
    /// Two readings of an unchanged file have different digests.
    case differs
    /// The worker that read the file failed.
    case worker(String)

    /// The message after the name of the file and a colon.
    var sentence: String {
        switch self {
        case .refused(let call, let code): "\(systemMessage(code)) (\(call))"
        case .shrank(let before, let after): "it shrank from \(before) to \(after) bytes while it was read"
        case .replaced: "it was replaced by something that is not a regular file"
        case .changed: "it was changed between the two readings"
        case .differs: "the pool and the loop read different bytes"
        case .worker(let message): "its reading \(message)"
        }
    }
}
#endif
