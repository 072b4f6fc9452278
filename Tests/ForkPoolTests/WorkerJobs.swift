// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Foundation
import Testing

// Jobs of the tests; workers by exec find them by name.

/// Returns which worker runs it.
struct Identify: ForkPool.Job {
    /// What a worker knows of itself, and the id of its process.
    struct Identity: Codable {
        var index: Int
        var pid: Int32
        var attempt: Int
        var own: Int32
    }

    func run(_ item: Int) async throws -> Identity { Self.now() }

    /// The process that runs this.
    static func now() -> Identity {
        let worker = ForkPool.worker
        return Identity(
            index: worker?.index ?? -1, pid: worker?.pid ?? -1, attempt: worker?.attempt ?? -1, own: getpid())
    }
}

/// What the system says about a worker's process.
struct Nature: ForkPool.Job {
    struct Seen: Codable, Equatable {
        var name: String
        /// Of the main thread and of the one that runs the body.
        var processors: [Int]
        var niceness: [Int32]
    }

    func run(_ item: Int) async throws -> Seen { Self.now() }

    /// Looks at the process that runs this.
    static func now() -> Seen {
        let name = Files.lines("/proc/self/comm").first.map(String.init) ?? ""
        return Seen(
            name: name, processors: [processors("/proc/self/status"), processors("/proc/thread-self/status")],
            niceness: [getpid(), 0].map { getpriority(__priority_which_t(PRIO_PROCESS.rawValue), id_t($0)) })
    }

    private static func processors(_ path: String) -> Int {
        let allowed = Files.lines(path).first { $0.hasPrefix("Cpus_allowed:") } ?? ""
        return allowed.dropFirst("Cpus_allowed:".count).reduce(0) { sum, digit in
            sum + (digit.hexDigitValue?.nonzeroBitCount ?? 0)
        }
    }
}

/// Writes down its steps in memory that forked workers share.
struct Steps: ForkPool.Job {
    static let next = SharedCounter()
    static let order = SharedArray<Int32>(count: 16)

    static func record(_ step: Int32) {
        order[next.add() - 1] = step
    }

    func setUp() async throws { Self.record(2) }
    func run(_ item: Int) async throws -> Int { item + 1 }
    func tearDown() async { Self.record(3) }
}

/// Leaves a file for each step, and has a global that only `setUp` sets.
struct Prepared: ForkPool.Job {
    private nonisolated(unsafe) static var base = 0
    var folder: String

    func setUp() async throws {
        await Task.yield()
        unsafe Self.base += 1000
        leave("setUp")
    }

    func run(_ item: Int) async throws -> Int { unsafe item + Self.base }

    func tearDown() async {
        leave("tornDown")
    }

    private func leave(_ step: String) {
        let file = unsafe open("\(folder)/\(step)-\(getpid())", O_CREAT | O_EXCL | O_WRONLY, 0o600)
        if file < 0 { abort() }
        close(file)
    }
}

/// A folder that is removed when it is no longer used.
final class Scratch {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("forkpool-\(UUID().uuidString)")

    init() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: folder)
    }

    var path: String { folder.path }

    /// The number of files with that prefix.
    func count(_ prefix: String) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: path).count { $0.hasPrefix(prefix) }
    }
}
