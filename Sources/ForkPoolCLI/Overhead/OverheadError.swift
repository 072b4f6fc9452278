// SPDX-License-Identifier: Apache-2.0
#if Command
/// The reason why `overhead` has no results.
enum OverheadError: Error, CustomStringConvertible {
    case noFloor
    case noCrash
    case python(String)
    case unreadable(String, Int32)
    case unwritable(String, Int32)
    /// A line of a file of limits is no limit.
    case limit(String)
    /// A limit names no row or workload.
    case unknown(String)
    /// A file has no limits.
    case noLimit(String)
    /// Nothing can be counted on this machine, for this reason.
    case uncountable(String)
    /// No folder can be made in this one.
    case noFolder(String, Int32)
    /// A workload failed.
    case workload(String)

    /// The exit code.
    var code: Int32 {
        switch self {
        case .unreadable: Exit.noInput
        case .unwritable: Exit.output
        case .limit, .unknown, .noLimit: Exit.usage
        case .noFolder: Exit.output
        default: Exit.internalError
        }
    }

    var description: String {
        switch self {
        case .noFloor: "the system refused the memory or the processes of the C floor"
        case .noCrash: "a worker that killed itself was reported as successful"
        case .unreadable(let path, let code): "\(path): cannot be read: \(systemMessage(code))"
        case .unwritable(let path, let code): "\(path): cannot be written: \(systemMessage(code))"
        case .noFolder(let path, let code): "\(path): no folder can be made here: \(systemMessage(code))"
        case .limit(let line):
            "\"\(line)\" is no limit; a limit has the form \"1.25 in place: ROW\" or "
                + "\"0.01 system calls an item: WORKLOAD\""
        case .unknown(let limit):
            "the limit \"\(limit)\" names no row, column or workload; forkpool overhead prints their names"
        case .noLimit(let path): "\(path): the file has no limits"
        case .python(let row): "python3 failed in the row “\(row)”; --no-python skips it"
        case .uncountable(let reason): "nothing can be counted here: \(reason)"
        case .workload(let name): "the workload “\(name)” failed in its own process"
        }
    }
}
#endif
