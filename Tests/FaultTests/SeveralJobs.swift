// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc

// Jobs that share a pool in tests: `Performer` has coded inputs and plain results, and these have others.

/// Scales a number: plain inputs and results.
struct Scaling: ForkPool.Job {
    var factor: Int

    func run(_ number: Int) async throws -> Int { number * factor }
}

/// Spells a text, and waits in between: coded inputs and results.
struct Spelling: ForkPool.Job {
    var separator: String

    func run(_ text: String) async throws -> [String] {
        await Task.yield()
        return await Self.letters(text).map { $0 + separator }
    }

    private static func letters(_ text: String) async -> [String] {
        await Task.yield()
        return text.map { String($0) }
    }
}

/// Returns numbers that are read in place: plain inputs and coded results.
struct Splitting: ForkPool.Job {
    struct Halves: BitwiseCopyable, Codable, Equatable {
        var lower: Int32
        var upper: Int32
    }

    func run(_ number: Int) async throws -> Halves {
        Halves(lower: Int32(number / 2), upper: Int32(number - number / 2))
    }
}

/// Writes a letter to a file when it is set up and when it is torn down.
struct Diary: ForkPool.Job {
    var letter: String
    var path: String

    func setUp() async throws { write(letter) }
    func run(_ number: Int) async throws -> String { letter + String(number) }
    func tearDown() async { write(letter.uppercased()) }

    private func write(_ text: String) {
        let file = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        _ = unsafe Glibc.write(file, text, text.utf8.count)
        close(file)
    }
}

/// A job that no other process can name.
private struct Nameless: ForkPool.Job {
    func run(_ number: Int) async throws -> Int { -number }
}

/// Three resident pools of one, with one for each format.
struct Trio: Sendable {
    let performing: ForkPool.Resident<Deed, Int>
    let scaling: ForkPool.Resident<Int, Int>
    let spelling: ForkPool.Resident<String, [String]>

    init(_ kind: Kind, workers: Int = 2, _ options: ForkPool.Options = .init()) throws(ForkPool.Failure) {
        (performing, scaling, spelling) = try ForkPool(workers: workers, options: options).resident(
            Performer(), Scaling(factor: 3), Spelling(separator: "."), start: kind.start)
    }

    /// Starts a pool with a job of a private type.
    static func withNameless(
        _ kind: Kind
    ) throws(ForkPool.Failure) -> (
        ForkPool.Resident<Int, Int>, ForkPool.Resident<Int, Int>
    ) {
        try ForkPool(workers: 2).resident(Scaling(factor: 3), Nameless(), start: kind.start)
    }

    /// Whether each job gives its own results.
    func answersRight() throws(ForkPool.Failure) -> Bool {
        let deeds = try performing.map((0..<20).map { .give($0 * $0) }) == (0..<20).map { $0 * $0 }
        let numbers = try scaling.map(0..<20) == (0..<20).map { $0 * 3 }
        let letters = try spelling("abc") == ["a.", "b.", "c."]
        return deeds && numbers && letters
    }

    func close() {
        performing.close()
        scaling.close()
        spelling.close()
    }
}

extension Kind {
    /// The kinds with jobs, of which a pool may have several.
    static let ofJobs: [Kind] = [.residentJob, .exec]

    /// How such a pool starts its workers.
    var start: ForkPool.Start { self == .exec ? .exec : .fork }
}
