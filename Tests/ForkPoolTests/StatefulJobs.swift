// SPDX-License-Identifier: Apache-2.0
import ForkPool
import Glibc

// States, and jobs with one; workers by exec find the jobs by their names.

/// A number that goes up by one with each use.
struct UseCount {
    private var count = 0

    mutating func next() -> Int {
        count += 1
        return count
    }
}

/// An object that counts its uses, and says when it ends.
final class Model {
    private var uses = 0
    private let diary: WordFile?

    init(_ diary: WordFile? = nil) {
        self.diary = diary
    }

    deinit {
        diary?.note("deinit")
    }

    func use(_ item: Int) -> Int {
        uses += 1
        diary?.note("item \(item)")
        return item * 100 + uses
    }
}

/// A state that cannot be copied.
struct Handle: ~Copyable {
    let number: Int
    let diary: WordFile

    deinit {
        diary.note("closed \(number)")
    }

    mutating func read() -> String { "\(number)" }
}

/// What the making of a state does.
enum Making: Codable, CaseIterable {
    case fine, throwing, exiting, crashing
    /// A signal ends the first worker that makes one.
    case killedOnce

    struct NoModel: Error, Codable, Equatable { var reason = "no model" }

    func make(_ diary: WordFile) throws -> Model {
        diary.note("state")
        switch self {
        case .fine: break
        case .throwing: throw NoModel()
        case .exiting: exit(3)
        case .crashing: abort()
        case .killedOnce: if diary.words.filter({ $0 == "state" }).count == 1 { kill(getpid(), SIGKILL) }
        }
        return Model(diary)
    }
}

/// A job whose workers each have a model; a negative item ends its worker.
struct Modelled: ForkPool.StatefulJob {
    var making = Making.fine
    let diary: WordFile

    func setUp() async throws { diary.note("setUp") }

    func makeState() async throws -> Model {
        await Task.yield()
        return try making.make(diary)
    }

    func run(_ item: Int, state: inout Model) async throws -> Int {
        if item < 0 { abort() }
        await Task.yield()
        return state.use(item)
    }

    func tearDown(_ state: Model) async { diary.note("end \(state.use(0))") }

    func tearDown() async { diary.note("tearDown") }
}

/// A job with a struct as its state, and without an end.
struct Counted: ForkPool.StatefulJob {
    func makeState() -> UseCount { UseCount() }

    func run(_ word: String, state: inout UseCount) -> String {
        "\(word) \(state.next())"
    }
}

/// A job that draws numbers.
struct Drawing: ForkPool.Job {
    struct Drawn: Codable, Equatable {
        var item: UInt64
        var worker: UInt64
        var seed: UInt64
        var index: Int
        var pid: Int32
    }

    func run(_ item: Int) -> Drawn { Self.draw() }

    /// Draws the first number of the item and that of the worker.
    static func draw() -> Drawn {
        guard let worker = ForkPool.worker else { return Drawn(item: 0, worker: 0, seed: 0, index: -1, pid: 0) }
        var (item, own) = (worker.itemGenerator, worker.generator)
        return Drawn(
            item: item.next(), worker: own.next(), seed: worker.seed, index: worker.index, pid: worker.pid)
    }
}
