/// Why there is no measurement.
enum OverheadError: Error, CustomStringConvertible {
    case noFloor
    case noCrash
    case python(String)
    case unreadable(String, Int32)
    /// A line of a file of limits that is none.
    case threshold(String)
    /// A limit for what is not measured.
    case unknown(String)
    /// A file without a limit.
    case noLimit(String)
    /// Why nothing can be counted on this machine.
    case uncountable(String)
    /// A scene that failed.
    case scene(String)

    /// The exit code that says so.
    var code: Int32 {
        switch self {
        case .unreadable: Exit.noInput
        case .threshold, .unknown, .noLimit: Exit.usage
        default: Exit.internalError
        }
    }

    var description: String {
        switch self {
        case .noFloor: "the system refused the shared memory that the C floor needs (200 MiB)"
        case .noCrash: "a worker that killed itself was reported as successful"
        case .unreadable(let path, let code): "\(path): cannot be read: \(systemMessage(code))"
        case .threshold(let line):
            "\"\(line)\" is no limit; one reads \"1.25 in place: NAME OF THE ROW\" or "
                + "\"0.01 system calls an item: NAME OF THE SCENE\""
        case .unknown(let limit):
            "the limit \"\(limit)\" is for nothing that is measured; forkpool overhead prints the names of rows, columns "
                + "and scenes"
        case .noLimit(let path): "\(path): there is no limit in it"
        case .python(let row): "python3 failed at the row “\(row)”; leave it out with --no-python"
        case .uncountable(let reason): "nothing can be counted here: \(reason)"
        case .scene(let name): "the scene “\(name)” failed in a process of its own"
        }
    }
}
