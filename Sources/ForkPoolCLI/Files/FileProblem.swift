/// Why a file or folder could not be read as it was found.
///
/// It crosses from a worker as a code, and becomes words in the parent.
enum FileProblem: Error, Codable, Equatable {
    /// The system refused a call, with this errno.
    case refused(call: String, code: Int32)
    /// The file ended before the length that it had when it was found.
    case shrank(from: Int, to: Int)
    /// The file was replaced by something that is not a regular file.
    case replaced
    /// The file was written to between two readings, so that they cannot be compared.
    case changed
    /// Two readings of an unchanged file have different digests.
    case differs
    /// The worker that read the file failed.
    case worker(String)

    /// What happened, to be put behind the file's name and a colon.
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
