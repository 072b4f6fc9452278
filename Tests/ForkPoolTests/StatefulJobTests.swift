// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Testing

@Suite("A job with a state")
struct StatefulJobTests {
    @Test("keeps it from call to call, and ends it before its tearDown", arguments: [true, false])
    func keepsIt(_ byExec: Bool) async {
        await #expect(processExitsWith: .success) { [byExec] in
            Alone.run { () throws in
                let diary = WordFile()
                let resident = try ForkPool(workers: 1).resident(Modelled(diary: diary), start: byExec ? .exec : .fork)
                #expect(try resident.map([5, 6]) == [501, 602])
                #expect(try resident(7) == 703)
                resident.close()
                let end = ["item 0", "end 4", "deinit", "tearDown"]
                #expect(diary.end() == ["setUp", "state", "item 5", "item 6", "item 7"] + end)
                #expect(Alone.hasNoChild)
            }
            await Alone.runAsync { () async throws in
                let resident = try ForkPool(workers: 1).resident(Counted(), start: byExec ? .exec : .fork)
                #expect(try await resident.map(["a", "b"]) == ["a 1", "b 2"])
                #expect(try await resident("c") == "c 3")
                await resident.finish()
            }
        }
    }

    @Test("makes it anew in each worker, also in one that replaces another", arguments: [true, false])
    func anew(_ byExec: Bool) async {
        await #expect(processExitsWith: .success) { [byExec] in
            Alone.run { () throws in
                let diary = WordFile()
                let resident = try ForkPool(workers: 1).resident(Modelled(diary: diary), start: byExec ? .exec : .fork)
                #expect(resident.mapResults([5, 6, -1, 7]).map { try? $0.get() } == [501, 602, nil, 701])
                resident.close()
                #expect(diary.end().filter { $0 == "state" }.count == 2)
            }
        }
    }

    @Test("makes one for itself where no worker runs it")
    func alone() async throws {
        let diary = WordFile()
        let job = Modelled(diary: diary)
        #expect(try await job.run(3) == 301)
        #expect(try await Counted().run("a") == "a 1")
        #expect(diary.end() == ["state", "item 3", "item 0", "end 2", "deinit"])
        await #expect(throws: Making.NoModel.self) { try await Modelled(making: .throwing, diary: WordFile()).run(3) }
    }
}
