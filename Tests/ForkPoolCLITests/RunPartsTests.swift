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
        var jobs = ReorderBuffer<FinishedJob>(keepsOrder: true)
        #expect(!jobs.mustWait(1) && jobs.mustWait(2))
        func ready() -> [Int] {
            var numbers: [Int] = []
            while let job = jobs.takeNext() { numbers.append(job.job.number) }
            return numbers
        }
        jobs.add(2, finished(2))
        jobs.add(4, finished(4))
        #expect(ready().isEmpty)
        jobs.add(1, finished(1))
        #expect(ready() == [1, 2])
        // A job of an earlier run has nothing to print.
        jobs.add(3, nil)
        #expect(ready() == [4])
        #expect(jobs.next == 5)
        jobs.add(7, finished(7))
        jobs.add(6, finished(6))
        #expect(ready().isEmpty)
        #expect(jobs.drain().map(\.number) == [6, 7])
    }

    @Test("print at once in the order of the ends")
    func unordered() {
        var jobs = ReorderBuffer<FinishedJob>(keepsOrder: false)
        jobs.add(2, finished(2))
        #expect(jobs.takeNext()?.job.number == 2 && jobs.takeNext() == nil && jobs.drain().isEmpty)
    }

    @Test(
        "end with the highest code of all jobs",
        arguments: [
            ([], 0), ([.exited(0)], 0), ([.exited(0), .exited(126)], 123), ([.exited(1), .timedOut(after: 1)], 124),
            ([.killed(by: 9), .timedOut(after: 1)], 125), ([.tooMuchOutput], 123), ([.cancelled], 0),
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
            if let sentence = job.failure(RunLimits()).flatMap({ tally.report($0) }) { sentences.append(sentence) }
        }
        #expect(sentences.count == 10 && sentences[0] == "job 1 (): exit status 3")
        #expect(tally.summary == "12 of 12 jobs failed; --log FILE lists all of them")
    }

    @Test("quote words for a shell")
    func quoting() {
        func quoted(_ words: [String]) -> String { quotedForShell(words.map { Array($0.utf8) }) }
        #expect(quoted(["echo", "a b", "", "it's", "$x", "a/b.c"]) == "echo 'a b' '' 'it'\\''s' '$x' a/b.c")
        #expect(quoted(["é ü"]) == "'é ü'")
        #expect(quoted(["a\nb"]) == "$'a\\x0ab'")
        #expect(quotedForShell([[0xFF, 0x27]]) == "$'\\xff\\''")
    }

    @Test("put the item in front of each line, also of a last one without newline, and of lines in pieces")
    func tagging() {
        var tagger = LineTagger(Array("t".utf8))
        func tagged(_ text: String) -> String { String(decoding: tagger.tagged(Array(text.utf8)), as: UTF8.self) }
        #expect(tagged("a\n\nb") == "t\ta\nt\t\nt\tb" && tagger.isWithinLine)
        #expect(tagged("c\n") == "c\n" && tagged("a\n") == "t\ta\n" && !tagger.isWithinLine)
    }

    @Test("read a log up to a cut line, and use the last line of a job")
    func resume() throws {
        let folder = try ScratchFolder()
        func line(_ job: Int, _ item: String, _ exit: String) -> String {
            "{\"seq\": \(job), \"item\": \"\(item)\", \"exit\": \(exit)}\n"
        }
        let whole = line(1, "a", "0") + line(2, "b", "1") + line(3, "c", "null") + line(1, "a", "2") + line(4, "d", "0")
        let log = try ResumeLog(try folder.write(whole + "{\"seq\": 5, \"it", to: "log"))
        #expect(log.done == [4: ResumeLog.Done(item: Array("d".utf8), words: nil)])
        #expect(log.length == whole.utf8.count)
        #expect(try ResumeLog(folder.path + "/none").done.isEmpty)
        #expect(throws: ResumeError.self) { try ResumeLog(try folder.write("no log\n", to: "other")) }
    }
}
#endif
