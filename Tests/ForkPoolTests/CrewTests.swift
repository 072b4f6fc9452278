import Glibc
import Testing

@testable import ForkPool

@Suite("The crew of a resident pool")
struct CrewTests {
    /// What a worker leaves that ends.
    private func sight(
        _ ending: ExitStatus = .signal(SIGKILL), crash: Bool = false, finished: Bool = false,
        report: WorkerError? = nil,
        isReady: Bool = true, claimed: Bool = true
    ) -> WorkerExit {
        let text = crash ? CrashReport(signal: SIGSEGV, address: 0, isStackOverflow: false, message: "") : nil
        return WorkerExit(
            death: ProcessExit(pid: 7, ending, crash: text), finished: finished, report: report, isReady: isReady,
            claimed: claimed)
    }

    /// A crew whose workers run, and whose last process waits.
    private func running(_ workers: Int) -> WorkerTable {
        var crew = WorkerTable(workers: workers)
        _ = crew.fill()
        for place in 0...workers { _ = crew.started(place) }
        return crew
    }

    private struct Trouble: Error {}

    @Test("begins with a process for each worker and one that waits")
    func fill() {
        var crew = WorkerTable(workers: 3)
        #expect(!crew.isManned)
        #expect(crew.vacancies == [2, 1, 0])
        #expect(crew.fill() == [.start([0, 1, 2, 3])])
        #expect(crew.isManned)
        #expect(crew.fill() == [])
        #expect(crew.started(2) == .assign(place: 2, worker: 0))
        #expect(crew.started(0) == .assign(place: 0, worker: 1))
        #expect(crew.started(3) == .assign(place: 3, worker: 2))
        #expect(crew.started(1) == nil)
        #expect(crew.vacancies == [])
        #expect((0...3).map { crew.worker(in: $0) } == [1, nil, 0, 2])
    }

    @Test("ends when so many in a row did nothing; those that ended alike, or before items got done, are not in it")
    func excused() {
        /// Ends the process that waits, which claimed nothing, so often; returns whether that ended the crew.
        func wearDown(_ crew: inout WorkerTable, _ times: Int, alike: Bool = false) -> Bool {
            for _ in 0..<times where crew.ending == nil {
                var sight = sight(claimed: false)
                sight.isAlike = alike
                _ = crew.ended(1, sight)
                _ = crew.started(1)
            }
            return crew.ending != nil
        }
        var crew = running(1)
        let most = BatchMachine.mostFailedStarts
        #expect(!wearDown(&crew, 3 * most, alike: true))
        #expect(!wearDown(&crew, most - 1))
        crew.resetFailedStarts()
        #expect(!wearDown(&crew, most - 1))
        #expect(wearDown(&crew, 1))
    }

    @Test("lets the process that waits take over at once, and starts another one to wait")
    func replace() {
        var crew = running(3)
        #expect(crew.ended(1, sight()) == [.assign(place: 3, worker: 1), .start([1])])
        #expect(crew.worker(in: 3) == 1)
        #expect(crew.worker(in: 1) == nil)
        #expect(crew.started(1) == nil)
        #expect(crew.ended(0, sight()) == [.assign(place: 1, worker: 0), .start([0])])
    }

    @Test("starts one for each of several that end at once, and mans each as it comes")
    func several() {
        var crew = running(3)
        #expect(crew.ended(0, sight()) == [.assign(place: 3, worker: 0), .start([0])])
        #expect(crew.ended(1, sight()) == [.start([1])])
        #expect(crew.ended(2, sight()) == [.start([2])])
        #expect(crew.vacancies == [1, 2])
        #expect(crew.started(0) == .assign(place: 0, worker: 2))
        #expect(crew.started(2) == .assign(place: 2, worker: 1))
        #expect(crew.started(1) == nil)
    }

    @Test("replaces one that waited, without a worker's place being empty")
    func waitingOneEnds() {
        var crew = running(2)
        #expect(crew.ended(2, sight(isReady: false, claimed: false)) == [.start([2])])
        #expect(crew.vacancies == [])
        #expect(crew.ending == nil)
    }

    @Test("goes on with those that run where the system refuses more, and is unmanned without any")
    func refused() {
        var crew = WorkerTable(workers: 2)
        _ = crew.fill()
        crew.refused(0)
        #expect(crew.started(1) == .assign(place: 1, worker: 0))
        crew.refused(2)
        #expect(crew.isManned)
        #expect(crew.vacancies == [1])
        // The next end is an occasion to try again.
        #expect(crew.ended(1, sight()) == [.start([0, 1, 2])])
        for place in 0...2 { crew.refused(place) }
        #expect(!crew.isManned)
        #expect(crew.fill() == [.start([0, 1, 2])])
        #expect(crew.ending == nil)
    }

    @Test("replaces nobody when it is closing or ending, and mans nobody who comes late")
    func closing() {
        for isClosing in [true, false] {
            var crew = WorkerTable(workers: 2)
            _ = crew.fill()
            _ = crew.started(0)
            _ = crew.started(1)
            if isClosing { crew.close() } else { crew.end(.cancelled) }
            #expect(crew.isEnding)
            #expect(crew.started(2) == nil)
            #expect(crew.ended(0, sight(finished: true)) == [])
            #expect(crew.ended(1, sight()) == [])
            #expect(crew.ended(2, sight()) == [])
            #expect(!crew.isManned)
            #expect(crew.fill() == [])
        }
    }

    @Test("gives a worker that rests no process until it has rested")
    func rest() {
        var crew = running(2)
        var resting = sight()
        resting.rests = true
        #expect(crew.ended(0, resting) == [.start([0])])
        #expect(crew.vacancies == [] && crew.isManned)
        #expect(crew.started(0) == nil)
        #expect(crew.rested(0) == [.assign(place: 0, worker: 0)])
        crew.close()
        #expect(crew.rested(1) == [])
    }

    @Test("has nobody take over who was dismissed, and starts others")
    func dismiss() {
        var crew = running(2)
        #expect(crew.dismiss() == [2])
        #expect(crew.dismiss() == [])
        #expect(crew.ended(0, sight()) == [.start([0])])
        #expect(crew.vacancies == [0])
        #expect(crew.ended(2, sight(isReady: false, claimed: false)) == [.start([2])])
        #expect(crew.started(0) == .assign(place: 0, worker: 0))
        #expect(crew.started(2) == nil)
        #expect(crew.ending == nil)
    }

    @Test("ends with what setUp threw")
    func setUpThrows() {
        var crew = running(2)
        let report = WorkerError(throwing: Trouble())
        #expect(crew.ended(0, sight(.exit(0), report: report, isReady: false, claimed: false)) == [])
        guard case .notSetUp = crew.ending else {
            Issue.record("it ended with \(String(describing: crew.ending))")
            return
        }
        // What comes later changes nothing.
        crew.end(.cancelled)
        guard case .notSetUp = crew.ending else {
            Issue.record("it ended with \(String(describing: crew.ending))")
            return
        }
    }

    @Test("ends with a setUp that exits or crashes, but not with one that is killed from outside")
    func setUpEnds() {
        for sight in [
            sight(.exit(9), isReady: false, claimed: false),
            sight(.signal(SIGSEGV), crash: true, isReady: false, claimed: false),
        ] {
            var crew = running(2)
            #expect(crew.ended(0, sight) == [])
            guard case .endedInSetUp(let death) = crew.ending else {
                Issue.record("it ended with \(String(describing: crew.ending))")
                continue
            }
            #expect(death == sight.death)
        }
        for ending in [ExitStatus.signal(SIGKILL), .unknown] {
            var crew = running(2)
            let actions = crew.ended(0, sight(ending, isReady: false, claimed: false))
            #expect(actions == [.assign(place: 2, worker: 0), .start([0])])
            #expect(crew.ending == nil)
        }
    }

    @Test("gives up after 32 ends in a row without a claim, and not after 31")
    func failedStarts() {
        var crew = running(1)
        func endAll(_ count: Int, claimed: Bool) {
            for _ in 0..<count {
                let place = crew.worker(in: 0) == nil ? 1 : 0
                _ = crew.ended(place, sight(claimed: claimed))
                _ = crew.started(place)
            }
        }
        endAll(31, claimed: false)
        #expect(crew.ending == nil)
        endAll(1, claimed: true)
        endAll(31, claimed: false)
        #expect(crew.ending == nil)
        endAll(1, claimed: false)
        guard case .unreachable = crew.ending else {
            Issue.record("it ended with \(String(describing: crew.ending))")
            return
        }
    }
}
