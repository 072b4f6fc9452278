// SPDX-License-Identifier: Apache-2.0
#if Command
import Testing

@testable import ForkPoolCLI

@Suite("The parts of a run")
struct RunPartsTests {
    private func finished(_ number: Int, _ status: JobResult.Status = .exited(0)) -> FinishedJob {
        FinishedJob(
            job: RunJob(number: number, position: number, values: [[]]),
            result: JobResult(status: status, words: [[]], start: 0, wall: 0, usage: nil), output: .nothing,
            errors: .nothing,
            bytes: 0)
    }

    private func count(_ finished: FinishedJob, _ tally: inout JobTally) {
        tally.count(finished.job, finished.result)
    }

    @Test("print in input order, whichever job ends first")
    func order() {
        var jobs = ReorderBuffer(keepsOrder: true)
        #expect(jobs.add(2, finished(2)).isEmpty)
        #expect(jobs.add(4, finished(4)).isEmpty)
        #expect(jobs.add(1, finished(1)).map(\.job.number) == [1, 2])
        // A job of an earlier run has nothing to print.
        #expect(jobs.add(3, nil).map(\.job.number) == [4])
        #expect(jobs.next == 5)
        #expect(jobs.add(7, finished(7)).isEmpty && jobs.add(6, finished(6)).isEmpty)
        #expect(jobs.drain().map(\.job.number) == [6, 7])
    }

    @Test("print at once in the order of the ends")
    func unordered() {
        var jobs = ReorderBuffer(keepsOrder: false)
        #expect(jobs.add(2, finished(2)).map(\.job.number) == [2])
        #expect(jobs.drain().isEmpty)
    }

    @Test(
        "end with the highest code of all jobs",
        arguments: [
            ([], 0), ([.exited(0)], 0), ([.exited(0), .exited(126)], 123), ([.exited(1), .timedOut], 124),
            ([.killed(by: 9), .timedOut], 125), ([.tooMuchOutput], 123), ([.cancelled], 0),
            ([.refused(call: "execve", code: 2), .killed(by: 9)], 127), ([.refused(call: "execve", code: 13)], 126),
        ] as [([JobResult.Status], Int32)])
    func codes(_ reasons: [JobResult.Status], _ code: Int32) {
        var tally = JobTally()
        for reason in reasons { count(finished(1, reason), &tally) }
        #expect(tally.exitCode == code)
    }

    @Test("report ten failures one by one, and the rest in one line")
    func sentences() {
        var tally = JobTally()
        var sentences: [String] = []
        for number in 1...12 {
            let job = finished(number, .exited(3))
            tally.count(job.job, job.result)
            if let sentence = tally.report(job.job, job.result, RunLimits()) { sentences.append(sentence) }
        }
        #expect(sentences.count == 10 && sentences[0] == "job 1 (): exit status 3")
        #expect(tally.summary == "12 of 12 jobs failed; --log FILE lists all of them")
    }

    @Test("show the progress and the remaining time")
    func status() {
        var tally = JobTally()
        #expect(RunStatusLine.text(tally, running: 2, total: nil, seconds: 1) == "0 done, 2 running")
        for _ in 0..<3 { count(finished(1), &tally) }
        count(finished(1, .timedOut), &tally)
        #expect(
            RunStatusLine.text(tally, running: 2, total: 12, seconds: 4)
                == "4 of 12 done, 2 running, 1 failed, 0:08 left")
        #expect(RunStatusLine.text(tally, running: 2, total: 40_004, seconds: 4).hasSuffix(", 11:06:40 left"))
    }

    @Test("quote words for a shell")
    func quoting() {
        func quoted(_ words: [String]) -> String { quotedForShell(words.map { Array($0.utf8) }) }
        #expect(quoted(["echo", "a b", "", "it's", "$x", "a/b.c"]) == "echo 'a b' '' 'it'\\''s' '$x' a/b.c")
        #expect(quoted(["é ü"]) == "'é ü'")
        #expect(quoted(["a\nb"]) == "$'a\\x0ab'")
        #expect(quotedForShell([[0xFF, 0x27]]) == "$'\\xff\\''")
    }

    @Test("put the item in front of each line, also of a last one without newline")
    func tagging() {
        func tagged(_ text: String) -> String {
            guard case .bytes(let bytes) = Tagging.tagged(.bytes(Array(text.utf8)), Array("t".utf8)) else { return "" }
            return String(decoding: bytes, as: UTF8.self)
        }
        #expect(tagged("a\n\nb") == "t\ta\nt\t\nt\tb")
        #expect(tagged("a\n") == "t\ta\n")
    }

    @Test("read a log up to a cut line, and use the last line of a job")
    func resume() throws {
        let folder = try ScratchFolder()
        func line(_ job: Int, _ item: String, _ exit: String) -> String {
            "{\"seq\": \(job), \"item\": \"\(item)\", \"exit\": \(exit)}\n"
        }
        let whole = line(1, "a", "0") + line(2, "b", "1") + line(3, "c", "null") + line(1, "a", "2") + line(4, "d", "0")
        let log = try ResumeLog(try folder.write(whole + "{\"seq\": 5, \"it", to: "log"))
        #expect(log.done == [4: Array("d".utf8)])
        #expect(log.length == whole.utf8.count)
        #expect(try ResumeLog(folder.path + "/none").done.isEmpty)
        #expect(throws: ResumeError.self) { try ResumeLog(try folder.write("no log\n", to: "other")) }
    }
}
#endif
