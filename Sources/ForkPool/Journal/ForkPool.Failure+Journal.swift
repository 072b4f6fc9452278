// SPDX-License-Identifier: Apache-2.0
internal import Glibc

extension ForkPool.Failure {
    /// Says what the system refused, to a map or, if `merges`, to one that only reads.
    static func journal(_ path: String, _ error: SystemError, merges: Bool = false) -> Self {
        let advice =
            switch error.code {
            case EFBIG: "raise the limit on the size of files (ulimit -f), and run the same map again"
            case ENOSPC, EDQUOT: "make room on its disk, and run the same map again"
            case ENOMEM: "free memory, and run the same map again"
            case ENOLCK, EOPNOTSUPP, ENOSYS: "its file system has no locks; put the journal on another one"
            case ENOENT where merges: "run its shard first, or correct the path"
            case ENOENT, ENOTDIR: "make its folder first"
            case EACCES, EPERM, EROFS: "put it where this process may \(merges ? "read" : "write")"
            case EISDIR, EINVAL, ESPIPE, ENXIO, ENODEV: "give the path of a file"
            case EMFILE, ENFILE: "raise the limit on open files (ulimit -n)"
            default: "put it on another disk"
            }
        var failure = refused(path, "\(error); \(advice)")
        failure.errno = error.code
        return failure
    }

    static var noJournals: Self {
        Self(.journalFailed, index: nil, "there is nothing to merge: no path of a journal was given", ran: .no)
    }

    /// Says which items of a job no journal has; the first ranges of many.
    static func journalsLack(_ missing: [Range<Int>], of total: Int) -> Self {
        let count = missing.reduce(0) { $0 + $1.count }
        var list = missing.prefix(10).map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)..<\($0.upperBound)" }
        if missing.count > list.count { list.append("and \(missing.count - list.count) other ranges") }
        return Self(
            .journalFailed, index: nil,
            "the journals lack the results of \(count) of \(total) items: \(list.joined(separator: ", ")); run the "
                + "shards that have them again, or add their journals", ran: .no)
    }

    static func journal(_ path: String, _ refusal: FileLocks.Refusal, merges: Bool) -> Self {
        let advice = "; wait for its end, or give each run a journal of its own"
        return switch refusal {
        case .system(let error): journal(path, error, merges: merges)
        case .own: refused(path, "another map of this process is at work with it" + advice)
        case .other(let process):
            refused(path, "another run is at work with it\(process.map { ", process \($0)" } ?? "")" + advice)
        }
    }

    static func journalTextTooLong(_ path: String, _ text: (name: String, size: Int)) -> Self {
        refused(
            path, "its \(text.name) has \(text.size) bytes; give one of at most \(JournalHeader.mostText), as a hash")
    }

    static func journalsDiffer(_ path: String, at item: Int) -> Self {
        refused(
            path,
            "it has another result of item \(item) than a journal before it; merge the journals of one run, without those of "
                + "others")
    }

    static func journalDeleted(_ path: String) -> Self {
        refused(
            path,
            "something deleted it, or put another file in its place; what this run has done since then is in no journal"
        )
    }

    static func journalChanged(_ path: String, size: Int, expected: Int) -> Self {
        refused(
            path, "something else made it \(size) bytes long, and this process \(expected); let one process write to it"
        )
    }

    static func journal(_ path: String, _ refusal: JournalReader.Refusal, merges: Bool = false) -> Self {
        switch refusal {
        case .system(let error): journal(path, error, merges: merges)
        case .other(let difference):
            refused(
                path,
                "it is of another job: that one \(difference); give each job a journal of its own, or remove this one")
        case .header(let refusal): journal(path, refusal)
        }
    }

    private static func journal(_ path: String, _ refusal: JournalHeader.Refusal) -> Self {
        switch refusal {
        case .foreign: refused(path, "the file is no journal; give another path")
        case .version(let version):
            refused(
                path,
                "another version of ForkPool wrote it (format \(version), here \(JournalHeader.version)); go on with that one"
            )
        case .torn: refused(path, "its beginning is damaged; remove it to begin again")
        }
    }

    private static func refused(_ path: String, _ reason: String) -> Self {
        Self(.journalFailed, index: nil, "the journal \(path) cannot be used: \(reason)", ran: .no)
    }
}
