// SPDX-License-Identifier: Apache-2.0
#if Command
import CForkCount
import Glibc

/// An event that is counted in a workload and its workers.
enum CountedEvent: String, CaseIterable {
    case systemCalls = "system calls"
    case allocations
    case instructions
    case locked = "locked instructions"
    case privateMemory = "KiB of private memory"
    case sharedMemory = "KiB of shared memory"
    case pageTables = "KiB of page tables"

    /// Whether it is counted by single-stepping, which is done only in workers.
    var isStepped: Bool { self == .instructions || self == .locked }

    /// Whether it is no event but memory, which is read in all processes of a workload at once.
    var isMemory: Bool { self == .privateMemory || self == .sharedMemory || self == .pageTables }
}

/// Counts events of workloads, in traced processes (`ptrace`) that load a library which counts allocations.
///
/// The counts do not depend on a clock or on other processes.
struct WorkloadCounter {
    /// The reason why allocations are not counted if the library was not built.
    private static let noLibrary =
        "\(libraryName) is not beside this program; scripts/build-command builds it"
    private static let libraryName = "libForkPoolAllocations.so"
    /// This program, even if its file was moved or deleted.
    private static let program = "/proc/self/exe"
    /// The seconds after which a run is killed.
    private static let deadline: UInt32 = 60
    static let repetitions = 5

    /// The path of the library that counts allocations; nil if it was not built.
    private let library: String?

    init() {
        library = Self.folder.map { $0 + Self.libraryName }.flatMap { unsafe access($0, R_OK) == 0 ? $0 : nil }
    }

    /// Counts the events per item or call of a workload: the difference between n and 2n items, divided by n.
    ///
    /// Other processes can only add to a count. So each run is repeated, and the lowest count is used.
    ///
    /// - Returns: The counts, and the reason why some are missing.
    /// - Throws: `OverheadError.workload` if the workload fails.
    func count(_ workload: Workload) throws(OverheadError) -> WorkloadCount {
        if workload.weighs { return try weigh(workload) }
        var counts: [CountedEvent: Double] = [:]
        var reason = library == nil ? Self.noLibrary : nil
        for steps in [false, true] {
            guard let number = steps ? workload.stepped : workload.count else { continue }
            do {
                for (counted, each) in try count(workload, number, steps: steps) { counts[counted] = each }
            } catch .uncountable(let message) {
                reason = message
            }
        }
        return WorkloadCount(workload: workload, counts: counts, reason: reason)
    }

    private func count(_ workload: Workload, _ number: Int, steps: Bool) throws(OverheadError) -> [CountedEvent: Double]
    {
        var least: [CountedEvent: [Int64]] = [:]
        // A single-stepped worker always executes the same instructions, so one run is enough.
        for _ in 0..<(steps ? 1 : Self.repetitions) {
            for (position, number) in [number, 2 * number].enumerated() {
                for (counted, found) in try run(workload, number, steps: steps) {
                    let before = least[counted, default: [.max, .max]][position]
                    least[counted, default: [.max, .max]][position] = min(before, found)
                }
            }
        }
        return least.mapValues { Double($0[1] - $0[0]) / Double(number) }
    }

    /// Counts all events of one run.
    private func run(_ workload: Workload, _ count: Int, steps: Bool) throws(OverheadError) -> [CountedEvent: Int64] {
        let file = cforkcount_counter()
        guard file >= 0 else { throw .uncountable(systemMessage(-file)) }
        defer { close(file) }
        // A worker started by exec inherits no descriptor, so it opens the file of this process by /proc.
        let counting = library.map { ["LD_PRELOAD=\($0)", "FORKPOOL_ALLOCATIONS=/proc/\(getpid())/fd/\(file)"] } ?? []
        let words = ["forkpool", "overhead", "--workload", workload.name, "--workload-count", String(count)]
        let arguments = unsafe words.map { unsafe strdup($0) } + [nil]
        let environment =
            unsafe (Self.variables + (steps ? [] : counting)).map { unsafe strdup($0) } + [nil]
        defer { unsafe (arguments + environment).forEach { unsafe free($0) } }
        let run = unsafe cforkcount_run(Self.program, arguments, environment, steps, Self.deadline)
        guard run.error == 0 else { throw .uncountable("a process cannot be traced: \(systemMessage(run.error))") }
        guard run.status == 0 else { throw .workload(workload.name) }
        if steps { return [.instructions: run.instructions, .locked: run.locked] }
        guard let library else { return [.systemCalls: run.system_calls] }
        var allocations: Int64 = 0
        guard unsafe pread(file, &allocations, 8, 0) == 8, allocations > 0 else {
            throw .uncountable("\(library) was not loaded")
        }
        return [.systemCalls: run.system_calls, .allocations: allocations]
    }

    /// The environment of this process, without `LD_PRELOAD`.
    private static var variables: [String] {
        var variables: [String] = []
        var next = unsafe environ
        while let variable = unsafe next.pointee {
            variables.append(unsafe String(cString: variable))
            unsafe next += 1
        }
        return variables.filter { !$0.hasPrefix("LD_PRELOAD=") }
    }

    /// The folder of this program, with a slash at its end.
    private static var folder: String? {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let length = unsafe buffer.withUnsafeMutableBytes { bytes in
            unsafe readlink(program, bytes.baseAddress!.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        guard length > 0, let slash = buffer[..<length].lastIndex(of: UInt8(ascii: "/")) else { return nil }
        return String(decoding: buffer[...slash], as: UTF8.self)
    }
}
#endif
