// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite("A worker")
struct WorkerStateLifeTests {
    @Test("makes its state after setUp, and ends it before tearDown, also in a resident pool and a stream")
    func order() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let diary = WordFile()
                let pool = ForkPool(
                    workers: 1, options: .init(setUp: { diary.note("setUp") }, tearDown: { diary.note("tearDown") }))
                let expected = ["setUp", "state", "item 5", "item 6", "end", "deinit", "tearDown"]
                let make = { try Making.fine.make(diary) }
                _ = try pool.map([5, 6], state: make, tearDown: { _ in diary.note("end") }) { model, item in
                    model.use(item)
                }
                #expect(diary.words == expected)
                let resident = try pool.resident(state: make, tearDown: { _ in diary.note("end") }) {
                    (model, item: Int) in
                    model.use(item)
                }
                #expect(try resident.map([5, 6]) == [501, 602])
                resident.close()
                #expect(diary.words == expected + expected)
                let stream = pool.stream([5, 6], state: make, tearDown: { _ in diary.note("end") }) { model, item in
                    model.use(item)
                }
                #expect(try Drain.inOrder(stream) == [501, 602])
                #expect(diary.end() == expected + expected + expected)
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("makes its state once, and the one that replaces it makes another, also after a crash")
    func replacements() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let used = ForkPool(workers: 1, options: .init(chunk: .fixed(1), itemsPerWorker: 2))
                #expect(try used.map(0..<5, state: { UseCount() }) { tally, _ in tally.next() } == [1, 2, 1, 2, 1])
                let diary = WordFile()
                let results = ForkPool(workers: 1).mapResults(
                    0..<5, state: { try Making.fine.make(diary) }, tearDown: { _ in diary.note("end") }
                ) { model, item in
                    if item == 2 { abort() }
                    return model.use(item) % 100
                }
                #expect(results.map { try? $0.get() } == [1, 2, nil, 1, 2])
                let words = ["state", "item 0", "item 1", "state", "item 3", "item 4", "end", "deinit"]
                #expect(diary.end() == words, "a crashed worker ends no state")
                let resident = try ForkPool(workers: 1).resident(state: { UseCount() }) { (tally, item: Int) in
                    if item < 0 { abort() }
                    return tally.next()
                }
                #expect(resident.mapResults([0, 0, -1, 0]).map { try? $0.get() } == [1, 2, nil, 1])
                resident.close()
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("has a state of its own, and its parent has none")
    func own() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                var made = 0
                let pids = try ForkPool(workers: 3, options: .init(chunk: .fixed(1))).map(
                    0..<30,
                    state: {
                        made += 1
                        return getpid()
                    }
                ) { maker, _ in (maker, getpid(), made) }
                #expect(pids.allSatisfy { $0.0 == $0.1 && $0.2 == 1 })
                #expect(made == 0)
            }
        }
    }

    @Test("releases a state that cannot be copied, at its end")
    func noncopyable() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let diary = WordFile()
                let pool = ForkPool(workers: 1)
                let read = try pool.map([1, 2], state: { Handle(number: 7, diary: diary) }) { handle, item in
                    handle.read() + "\(item)"
                }
                #expect(read == ["71", "72"])
                let resident = try pool.resident(state: { Handle(number: 8, diary: diary) }) { (handle, item: Int) in
                    handle.read() + "\(item)"
                }
                #expect(try resident(1) == "81")
                resident.close()
                #expect(diary.end() == ["closed 7", "closed 8"])
            }
        }
    }

    @Test("takes time for its state that counts for no item")
    func time() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let pool = ForkPool(workers: 1, options: .init(timeout: .seconds(1)))
                let slow = {
                    sleep(2)
                    return UseCount()
                }
                #expect(try pool.map([1, 2], state: slow) { tally, _ in tally.next() } == [1, 2])
                let resident = try pool.resident(state: slow) { (tally, _: Int) in tally.next() }
                #expect(try resident.map([1, 2]) == [1, 2])
                resident.close()
            }
        }
    }
}

@Suite("A state that cannot be made")
struct WorkerStateFailureTests {
    static let fatal = [Making.throwing, .exiting, .crashing]

    @Test("fails the map as setUpFailed, and says that it was the state", arguments: fatal)
    func maps(_ making: Making) async {
        await #expect(processExitsWith: .success) { [making] in
            Alone.run {
                let diary = WordFile()
                let pool = ForkPool(workers: 2)
                let results = pool.mapResults([1, 2], state: { try making.make(diary) }) { model, item in
                    model.use(item)
                }
                for result in results { Self.expectFailure(result, making) }
                let mapped = Result { () throws(ForkPool.Failure) in
                    try pool.map([1, 2], state: { try making.make(diary) }) { model, item in "\(model.use(item))" }
                }
                Self.expectFailure(mapped, making)
                #expect(Set(diary.end()) == ["state"])
                #expect(pool.mapResults([1, 2]) { $0 }.map { try? $0.get() } == [1, 2])
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("fails every call of a resident pool, and the stream", arguments: fatal)
    func residents(_ making: Making) async {
        await #expect(processExitsWith: .success) { [making] in
            Alone.run { () throws in
                let diary = WordFile()
                let pool = ForkPool(workers: 2)
                let resident = try pool.resident(state: { try making.make(diary) }) { (model, item: Int) in
                    model.use(item)
                }
                for result in resident.mapResults([1, 2]) { Self.expectFailure(result, making) }
                Self.expectFailure(Result { () throws(ForkPool.Failure) in try resident(3) }, making)
                resident.close()
                let stream = pool.stream([1, 2], state: { try making.make(diary) }) { model, item in model.use(item) }
                for (_, result) in stream { Self.expectFailure(result, making) }
                #expect(Set(diary.end()) == ["state"])
                #expect(Alone.hasNoChild)
            }
            await Alone.runAsync {
                let diary = WordFile()
                let results = await ForkPool(workers: 2).mapResults([1, 2], state: { try making.make(diary) }) {
                    model, item in
                    model.use(item)
                }
                for result in results { Self.expectFailure(result, making) }
                #expect(Set(diary.end()) == ["state"])
            }
        }
    }

    @Test("fails every call of a job's pool", arguments: fatal, [true, false])
    func jobs(_ making: Making, byExec: Bool) async {
        await #expect(processExitsWith: .success) { [making, byExec] in
            Alone.run { () throws in
                let diary = WordFile()
                let resident = try ForkPool(workers: 2).resident(
                    Modelled(making: making, diary: diary), start: byExec ? .exec : .fork)
                for result in resident.mapResults([1, 2]) { Self.expectFailure(result, making) }
                resident.close()
                #expect(Set(diary.end()) == ["setUp", "state"])
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("is not even begun where setUp failed")
    func afterSetUp() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                let diary = WordFile()
                let pool = ForkPool(workers: 1, options: .init(setUp: { throw Making.NoModel() }))
                let results = pool.mapResults([1], state: { try Making.fine.make(diary) }) { model, item in
                    model.use(item)
                }
                #expect(results.map { Self.failure($0)?.message.contains("setUp threw NoModel") } == [true])
                #expect(diary.end() == [])
            }
        }
    }

    @Test("because its worker was killed from outside costs that worker alone")
    func killed() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let diary = WordFile()
                let pool = ForkPool(workers: 1)
                #expect(
                    try pool.map([5, 6], state: { try Making.killedOnce.make(diary) }) { model, item in model.use(item)
                    }
                        == [501, 602])
                #expect(diary.end() == ["state", "state", "item 5", "item 6", "deinit"])
            }
        }
    }

    private static func failure<T>(_ result: Result<T, ForkPool.Failure>) -> ForkPool.Failure? {
        if case .failure(let failure) = result { failure } else { nil }
    }

    private static func expectFailure<T>(_ result: Result<T, ForkPool.Failure>, _ making: Making) {
        guard let failure = failure(result) else {
            Issue.record("there was a result without a state")
            return
        }
        #expect(failure.code == .setUpFailed && failure.bodyRan == .no, "\(failure)")
        let words = "could not be run: the worker's state could not be made: making it "
        switch making {
        case .throwing:
            #expect(failure.message.contains(words + "threw NoModel"), "\(failure)")
            #expect(failure.thrown?.decode(as: Making.NoModel.self) == Making.NoModel())
        case .exiting:
            #expect(failure.message.contains(words + "ended its worker"), "\(failure)")
            #expect(failure.exitStatus == 3)
        case .crashing:
            #expect(failure.message.contains(words + "crashed its worker"), "\(failure)")
            #expect(failure.signal == SIGABRT)
        case .fine, .killedOnce: Issue.record("this state can be made")
        }
    }
}
