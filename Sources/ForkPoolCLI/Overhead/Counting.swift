import CForkCount
import Glibc

/// What is counted of a scene, its workers included.
enum Counted: String, CaseIterable {
    case systemCalls = "system calls"
    case allocations
    case instructions
    case locked = "locked instructions"

    /// Whether it is counted while each instruction is a step of its own, in workers alone.
    var isStepped: Bool { self == .instructions || self == .locked }
}

/// Counts what scenes do, in processes that are traced (`ptrace`) and that load a library which counts allocations.
///
/// No count depends on a clock, or on what else the machine does.
struct Counter {
    /// Why allocations cannot be counted: the library was not built.
    private static let noLibrary =
        "\(libraryName) is not beside this program; scripts/build-command makes it"
    private static let libraryName = "libForkPoolAllocations.so"
    /// This very program, whatever became of its file.
    private static let program = "/proc/self/exe"
    /// After so many seconds a run is ended.
    private static let deadline: UInt32 = 60
    private static let repetitions = 5

    /// The library that counts allocations, where it was built.
    private let library: String?

    init() {
        library = Self.folder.map { $0 + Self.libraryName }.flatMap { unsafe access($0, R_OK) == 0 ? $0 : nil }
    }

    /// Counts for one item or call of a scene: what twice as many need more, shared by those.
    ///
    /// Other processes may make a run need more, never less. So each run is repeated, and its lowest count taken.
    ///
    /// - Returns: What could be counted, and why the rest could not.
    /// - Throws: That the scene failed.
    func count(_ scene: Scene) throws(OverheadError) -> SceneCount {
        var counts: [Counted: Double] = [:]
        var reason = library == nil ? Self.noLibrary : nil
        for steps in [false, true] {
            guard let number = steps ? scene.stepped : scene.count else { continue }
            do {
                for (counted, each) in try count(scene, number, steps: steps) { counts[counted] = each }
            } catch .uncountable(let why) {
                reason = why
            }
        }
        return SceneCount(scene: scene, counts: counts, reason: reason)
    }

    private func count(_ scene: Scene, _ number: Int, steps: Bool) throws(OverheadError) -> [Counted: Double] {
        var least: [Counted: [Int64]] = [:]
        // A worker that is alone does the same at each step, whatever else there is.
        for _ in 0..<(steps ? 1 : Self.repetitions) {
            for (place, number) in [number, 2 * number].enumerated() {
                for (counted, found) in try run(scene, number, steps: steps) {
                    let before = least[counted, default: [.max, .max]][place]
                    least[counted, default: [.max, .max]][place] = min(before, found)
                }
            }
        }
        return least.mapValues { Double($0[1] - $0[0]) / Double(number) }
    }

    /// Counts all that one run does.
    private func run(_ scene: Scene, _ count: Int, steps: Bool) throws(OverheadError) -> [Counted: Int64] {
        let file = cforkcount_counter()
        guard file >= 0 else { throw .uncountable(systemMessage(-file)) }
        defer { close(file) }
        // A worker that is started by exec inherits no descriptor, but finds this process's.
        let counting = library.map { ["LD_PRELOAD=\($0)", "FORKPOOL_ALLOCATIONS=/proc/\(getpid())/fd/\(file)"] } ?? []
        let words = ["forkpool", "overhead", "--scene", scene.name, "--scene-count", String(count)]
        let arguments = unsafe words.map { unsafe strdup($0) } + [nil]
        let environment =
            unsafe (Self.variables + (steps ? [] : counting)).map { unsafe strdup($0) } + [nil]
        defer { unsafe (arguments + environment).forEach { unsafe free($0) } }
        let run = unsafe cforkcount_run(Self.program, arguments, environment, steps, Self.deadline)
        guard run.error == 0 else { throw .uncountable("a process cannot be traced: \(systemMessage(run.error))") }
        guard run.status == 0 else { throw .scene(scene.name) }
        if steps { return [.instructions: run.instructions, .locked: run.locked] }
        guard let library else { return [.systemCalls: run.system_calls] }
        var allocations: Int64 = 0
        guard unsafe pread(file, &allocations, 8, 0) == 8, allocations > 0 else {
            throw .uncountable("\(library) was not loaded")
        }
        return [.systemCalls: run.system_calls, .allocations: allocations]
    }

    /// This process's environment.
    private static var variables: [String] {
        var variables: [String] = []
        var next = unsafe environ
        while let variable = unsafe next.pointee {
            variables.append(unsafe String(cString: variable))
            unsafe next += 1
        }
        return variables.filter { !$0.hasPrefix("LD_PRELOAD=") }
    }

    /// The folder that this program is in, with a slash at its end.
    private static var folder: String? {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let length = unsafe buffer.withUnsafeMutableBytes { bytes in
            unsafe readlink(program, bytes.baseAddress!.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        guard length > 0, let slash = buffer[..<length].lastIndex(of: UInt8(ascii: "/")) else { return nil }
        return String(decoding: buffer[...slash], as: UTF8.self)
    }
}
